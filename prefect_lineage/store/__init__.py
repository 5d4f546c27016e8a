"""Where lineage is kept: a journal on disk first, then SQL.

Importing this package, :mod:`~prefect_lineage.store.journal` or :mod:`~prefect_lineage.store.drain` loads
no SQLAlchemy: a flow pays for that in the drain's thread only.
"""
