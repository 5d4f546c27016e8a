"""Imported in a process to which a run was handed over from one where capture is on: it is on here too.

See :mod:`prefect_lineage.capture.crossing`; nothing else imports this module.
"""

from __future__ import annotations

from prefect_lineage.capture.switch import enable

__all__: list[str] = []

enable()
