"""``python -m prefect_lineage.cli``, for where no script is on the PATH."""

from __future__ import annotations

import sys

from prefect_lineage.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
