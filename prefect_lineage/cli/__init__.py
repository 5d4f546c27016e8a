"""The command line, ``prefect-lineage``."""
