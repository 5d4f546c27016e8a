"""Ask the store what the zoo recorded, and say where its map is. Run by `make demo` after the zoo.

python examples/zoo_summary.py zoo.html
"""

import sys
from pathlib import Path

from prefect_lineage import Lineage


def summary(page: Path) -> str:
    """What was recorded, and what to look at."""
    with Lineage(readonly=True) as lineage:
        graph = lineage.graph()
        artifacts = {version.artifact for version in graph.versions}
        flow_runs = {run.flow_run for run in graph.runs}
        split = lineage.version("split_zoo_dataset:v0")
        producers, consumers = len(split.producers()), len(split.consumers())
        made_from = lineage.upstream("zoo-report")
    counts = f"{len(graph.runs)} task runs of {len(flow_runs)} flow runs"
    before = f"{len(made_from.versions) - 1} versions, {len(made_from.runs)} runs"
    return f"""
{page.resolve()}

The map shows {counts} and {len(graph.versions)} versions of {len(artifacts)} artifacts.
Open the file in a browser (make demo OPEN=1 does), then:
  click  split_zoo_dataset:v0   {producers} runs logged this one version, {consumers} runs used it
  hover  zoo-report             all that it was made from: {before}
  click  download               the run that failed on purpose: two attempts, one partial version
  type   model                  in the search field
"""


if __name__ == "__main__":
    print(summary(Path(sys.argv[1])))
