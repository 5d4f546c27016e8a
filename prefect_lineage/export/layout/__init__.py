"""Where the cards lie: a layered drawing from left to right, in pure Python, the same on every machine.

Columns first (``ranks``), then invisible items along long edges (``chains``), then the order within each
column (``ordering``), then heights (``heights``). What is random has a fixed seed, and nothing recurses.
"""

from prefect_lineage.export.layout.lanes import layout_in_lanes
from prefect_lineage.export.layout.ordering import WORK
from prefect_lineage.export.layout.place import Placement, Spacing, layout

__all__ = ["WORK", "Placement", "Spacing", "layout", "layout_in_lanes"]
