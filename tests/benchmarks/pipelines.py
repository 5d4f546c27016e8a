"""A large store's graph: training pipelines that ran again and again, with what goes wrong in life."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from prefect_lineage.model.entities import Edge, Graph, Run, Version

__all__ = ["pipelines"]

_START = 1_793_000_000_000_000
_MINUTE = 60_000_000
_SCHEMA = (("id", "int64"), ("island", "string"), ("bill_length_mm", "double"), ("body_mass_g", "double"))


def pipelines(nodes: int, *, flows: int | None = None) -> Graph:
    """At least ``nodes`` runs and versions of ``flows`` flows (one for each 850 nodes), always the same ones."""
    made = _Made(random.Random(7))
    amount = flows or max(1, nodes // 850)
    backbone = made.version("pretrained-backbone", "model")
    bases = [made.version(f"base-{n}.csv", "dataset") for n in range(1 + amount // 4)]
    turn = 0
    while len(made.nodes) < nodes:
        number = turn % amount
        _train(made, f"p{number}", bases[number % len(bases)], backbone, turn)
        turn += 1
    made.give_latest()
    return Graph(tuple(made.nodes), tuple(made.edges))


@dataclass
class _Made:
    chance: random.Random
    nodes: list[Run | Version] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    at: int = _START

    def version(self, name: str, kind: str, partial: bool = False) -> Version:
        number = self.numbers.get(name, 0)
        self.numbers[name] = number + 1
        uri = f"s3://lake/{name}/{number}"
        digest = f"blake3:{self.chance.getrandbits(256):064x}"
        rows = self.chance.randrange(100, 10**6) if kind == "table" else None
        made = Version(
            id=f"v{len(self.nodes)}",
            artifact=f"a-{name}",
            name=name,
            number=number,
            type=kind,
            uri=uri,
            namespace="s3://lake",
            digest=digest,
            covers="all",
            size=self.chance.randrange(1000, 10**9),
            created_at=self.at,
            rows=rows,
            schema=_SCHEMA if kind in ("dataset", "table") else (),
            partial=partial,
        )
        self.nodes.append(made)
        return made

    def run(
        self, flow: str, task: str, flow_run: str, reads: list[Version], writes: dict[str, str]
    ) -> list[Version]:
        self.at += 11 * _MINUTE
        state = (
            "Failed"
            if self.chance.random() < 0.03
            else "Cached"
            if self.chance.random() < 0.03
            else "Completed"
        )
        name = f"{task}-{self.chance.getrandbits(12):03x}"
        details = {
            "parameters": {"seed": len(self.nodes), "lr": 0.0003, "arch": "resnet18"},
            "code": {"function": f"{flow}.{task}", "commit": f"{self.chance.getrandbits(160):040x}", "dirty": False},
            "environment": {"python": "3.12.4", "prefect": "3.9.1"},
            "host": f"worker-{self.chance.randrange(8)}", "user": "ada", "tags": [flow],
        }  # fmt: skip
        made = Run(
            f"{len(self.nodes):08x}-5f0a-4a2c-9c8e-2d0f2f6f8a01", "task", name, f"{flow}.{task}", flow, flow_run,
            flow_run, state, self.at, self.at + self.chance.randrange(1, 600) * 1_000_000, 1, details,
        )  # fmt: skip
        self.nodes.append(made)
        self.edges += [self._edge(made, version, "input", "pandas.read_parquet") for version in reads]
        written = [self.version(name, kind, state == "Failed") for name, kind in writes.items()]
        self.edges += [self._edge(made, version, "output", "pandas.to_parquet") for version in written]
        return [] if state == "Failed" else written

    def _edge(self, run: Run, version: Version, direction: str, via: str) -> Edge:
        return Edge(
            run.id,
            version.id,
            direction,
            "observed",
            via,
            1,
            1,
            self.at,
            partial=version.partial and direction == "output",
        )

    def give_latest(self) -> None:
        """The newest complete version of each artifact is the latest."""
        newest = {node.artifact: place for place, node in self._complete()}
        for place in newest.values():
            node = self.nodes[place]
            assert isinstance(node, Version)
            self.nodes[place] = replace(node, aliases=("latest",))

    def _complete(self) -> Iterator[tuple[int, Version]]:
        for place, node in enumerate(self.nodes):
            if isinstance(node, Version) and not node.partial:
                yield place, node


def _train(made: _Made, flow: str, base: Version, backbone: Version, turn: int) -> None:
    flow_run = f"{turn:08x}-0000-4000-8000-{turn * 7919:012d}"
    raw = made.run(flow, "ingest", flow_run, [base], {f"{flow}/raw": "dataset"})
    clean = raw and made.run(flow, "prepare", flow_run, raw, {f"{flow}/clean": "dataset"})
    parts = clean and made.run(
        flow, "split", flow_run, clean, {f"{flow}/train": "dataset", f"{flow}/test": "dataset"}
    )
    if not parts:
        return
    scores: list[Version] = []
    for _ in range(made.chance.randrange(3, 9)):
        model = made.run(flow, "train", flow_run, [parts[0], backbone], {f"{flow}/model": "model"})
        scores += (
            made.run(flow, "evaluate", flow_run, [*model, parts[1]], {f"{flow}/metrics": "metrics"})
            if model
            else []
        )
    best = scores and made.run(flow, "select", flow_run, scores, {f"{flow}/best": "model"})
    if best:
        for _ in range(made.chance.randrange(1, 4)):
            made.run(flow, "predict", flow_run, [*best, raw[0]], {f"{flow}/predictions": "table"})
