"""``python -m prefect_lineage``: the same as ``prefect-lineage``."""

from __future__ import annotations

import sys

from prefect_lineage.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
