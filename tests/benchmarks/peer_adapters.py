"""How a run with two inputs and two outputs is recorded by us and by our peers; each runs in an interpreter of its own.

    python tests/benchmarks/peer_adapters.py NAME FOLDER

Run by ``peers.py``, with the interpreter that has the peer's package. It reads numbers from standard input: so many
runs are recorded, and ``{"wall": seconds, "cpu": seconds}`` is printed when all of them are as durable as that system
makes them; CPU time is that of all threads and of the processes that the system started. Run n reads the two versions
that run n-1 wrote and writes new versions of two of 200 artifacts. Each system is called with the least that tells
this, through its public interface, with its store in FOLDER and without a server or a network.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

ARTIFACTS = 200
MOMENT = "2026-11-27T00:00:00Z"


class Adapter(NamedTuple):
    """One system, ready.

    Attributes:
        record: one run, by its number.
        settle: all that was recorded is durable when it returns.
    """

    record: Callable[[int], object]
    settle: Callable[[], object] = lambda: None


def ends(number: int) -> tuple[list[int], list[int]]:
    """The numbers of the versions that a run reads and writes."""
    return [n for n in (2 * number - 2, 2 * number - 1) if n >= 0], [2 * number, 2 * number + 1]


def path_of(version: int) -> str:
    return f"/data/project/part-{version % ARTIFACTS:06d}.parquet"


def digest_of(version: int) -> str:
    return f"{version % ARTIFACTS:032x}{version:032x}"


def _ours(folder: str, tell: Callable[[Any, int], None]) -> Adapter:
    """Every line goes into the journal, and the drain's thread brings them into SQLite; both are paid for here."""
    from prefect_lineage.store.drain import Drain
    from prefect_lineage.store.journal import Journal
    from prefect_lineage.store.store import Store

    journal = Journal(Path(folder, "journal"))
    drain = Drain(journal, lambda: Store.open(f"sqlite:///{folder}/lineage.db"))

    def settle() -> None:
        waiting = drain.flush(300)
        assert waiting == 0, f"{waiting} records wait"

    return Adapter(lambda number: tell(journal, number), settle)


def ours(folder: str) -> Adapter:
    """Three lines a run, as capture writes them: it runs, what its attempt read and wrote, it has ended."""
    from store_recording import record

    from prefect_lineage.model.records import Record, RunRecord

    def tell(journal: Any, number: int) -> None:
        whole = record(number, fresh=False, briefly=True)
        run = whole.run
        journal.append(
            Record(
                RunRecord(
                    run.id, kind=run.kind, name=run.name, job=run.job, flow=run.flow, flow_run=run.flow_run,
                    parent=run.parent, state="Running", started_at=run.started_at, attempt=1, details=run.details,
                )
            )
        )  # fmt: skip
        journal.append(Record(RunRecord(run.id, attempt=1), 1, whole.edges))
        journal.append(Record(RunRecord(run.id, state=run.state, ended_at=run.ended_at, attempt=1)))

    return _ours(folder, tell)


def ours_at_once(folder: str) -> Adapter:
    """One line a run: its end, with everything."""
    from store_recording import record

    return _ours(folder, lambda journal, number: journal.append(record(number, fresh=False, briefly=True)))


def openlineage(folder: str, *, at_once: bool = False) -> Adapter:
    """Events of its client, appended to a file: START and COMPLETE, or COMPLETE alone."""
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
    from openlineage.client.transport.file import FileConfig, FileTransport

    client = OpenLineageClient(transport=FileTransport(FileConfig(f"{folder}/events.jsonl", append=True)))

    def record(number: int) -> None:
        run, job = Run(str(uuid.UUID(int=number))), Job("flow", f"flow.task{number % 7}")
        read, written = ends(number)
        if not at_once:
            client.emit(
                RunEvent(eventType=RunState.START, eventTime=MOMENT, run=run, job=job, producer="urn:b")
            )
        client.emit(
            RunEvent(
                eventType=RunState.COMPLETE, eventTime=MOMENT, run=run, job=job, producer="urn:b",
                inputs=[InputDataset("file://worker-1", path_of(n)) for n in read],
                outputs=[OutputDataset("file://worker-1", path_of(n)) for n in written],
            )
        )  # fmt: skip

    return Adapter(record)


def openlineage_at_once(folder: str) -> Adapter:
    """One event a run."""
    return openlineage(folder, at_once=True)


def mlmd(folder: str, *, at_once: bool = False) -> Adapter:
    """ML Metadata on SQLite: an execution put as running and put again when complete, or put once."""
    from ml_metadata.metadata_store import metadata_store
    from ml_metadata.proto import metadata_store_pb2 as pb

    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = f"{folder}/mlmd.db"
    config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    store = metadata_store.MetadataStore(config)
    kind = store.put_artifact_type(pb.ArtifactType(name="file", properties={"digest": pb.STRING}))
    task = store.put_execution_type(pb.ExecutionType(name="task"))
    known: dict[int, Any] = {}

    def version(number: int) -> Any:
        made = pb.Artifact(type_id=kind, uri=path_of(number), name=f"version-{number}")
        made.properties["digest"].string_value = digest_of(number)
        return made

    def record(number: int) -> None:
        run = pb.Execution(type_id=task, name=f"load-{number}", last_known_state=pb.Execution.COMPLETE)
        if not at_once:
            run.last_known_state = pb.Execution.RUNNING
            (run.id,) = store.put_executions([run])
            run.last_known_state = pb.Execution.COMPLETE
        read, written = ends(number)
        pairs = [(known.pop(n), pb.Event(type=pb.Event.INPUT)) for n in read]
        pairs += [(version(n), pb.Event(type=pb.Event.OUTPUT)) for n in written]
        _, ids, _ = store.put_execution(run, pairs, [])
        for n, (made, _event), its in zip(written, pairs[len(read) :], ids[len(read) :], strict=True):
            made.id = its
            known[n] = made

    return Adapter(record)


def mlmd_at_once(folder: str) -> Adapter:
    """One call a run."""
    return mlmd(folder, at_once=True)


def mlflow(folder: str) -> Adapter:
    """MLflow on SQLite: a run is created, its four datasets are logged in one call, and it ends."""
    from mlflow import MlflowClient
    from mlflow.entities import Dataset, DatasetInput, InputTag

    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.create_experiment("flow", artifact_location=f"file://{folder}/artifacts")

    def dataset(version: int, context: str) -> DatasetInput:
        path = path_of(version)
        made = Dataset(Path(path).name, digest_of(version)[-36:], "local", json.dumps({"uri": path}))
        return DatasetInput(made, [InputTag("mlflow.data.context", context)])

    def record(number: int) -> None:
        run = client.create_run(experiment, run_name=f"load-{number}").info.run_id
        read, written = ends(number)
        all_of_it = [dataset(n, "input") for n in read] + [dataset(n, "output") for n in written]
        client.log_inputs(run, datasets=all_of_it)
        client.set_terminated(run)

    return Adapter(record)


def _wandb_artifact(folder: str, version: int) -> Any:
    import wandb

    path = Path(folder, Path(path_of(version)).name)
    path.touch()  # it refers to none that is missing
    made = wandb.Artifact(path.stem, type="file", metadata={"digest": digest_of(version)})
    made.add_reference(path.as_uri(), name=path.name, checksum=False)
    return made


def _wandb_run(folder: str, number: int) -> Any:
    import wandb

    settings = wandb.Settings(silent=True, x_disable_stats=True, x_disable_meta=True, console="off")
    return wandb.init(
        mode="offline", dir=folder, project="flow", name=f"load-{number}", settings=settings, reinit="finish_previous"
    )  # fmt: skip


def wandb(folder: str) -> Adapter:
    """W&B offline, a run of its own for each; it has no ``use_artifact`` offline, so inputs are told as config."""

    def record(number: int) -> None:
        run = _wandb_run(folder, number)
        read, written = ends(number)
        run.config.update({f"input {n % 2}": path_of(n) for n in read})
        for n in written:
            run.log_artifact(_wandb_artifact(folder, n))
        run.finish()

    return Adapter(record)


def wandb_in_one_run(folder: str) -> Adapter:
    """W&B offline, the artifacts alone, in one open run for many, which is finished when they are to be durable."""
    opened: list[Any] = []

    def record(number: int) -> None:
        if not opened:
            opened.append(_wandb_run(folder, number))
        for n in ends(number)[1]:
            opened[0].log_artifact(_wandb_artifact(folder, n))

    return Adapter(record, lambda: opened.pop().finish())


def lamindb(folder: str) -> Adapter:
    """LaminDB on SQLite: a run is saved, with its inputs, with two artifacts that are files in its storage, and as
    finished."""
    import lamindb_setup

    lamindb_setup.init(storage=f"{folder}/storage", name="benchmark")
    import lamindb as ln

    ln.settings.verbosity = "error"
    transform = ln.Transform(key="flow.task", kind="pipeline").save()
    known: dict[int, Any] = {}

    def version(number: int, run: Any) -> Any:
        path = Path(folder, "storage", f"version-{number}.txt")
        path.write_text(digest_of(number), encoding="ascii")
        return ln.Artifact(path, run=run).save()

    def record(number: int) -> None:
        run = ln.Run(transform=transform).save()
        read, written = ends(number)
        if read:
            run.input_artifacts.add(*[known.pop(n) for n in read])
        for n in written:
            known[n] = version(n, run)
        run.finished_at = datetime.now(UTC)
        run.save()

    return Adapter(record)


ADAPTERS: dict[str, Callable[[str], Adapter]] = {
    each.__name__: each
    for each in (
        ours, ours_at_once, openlineage, openlineage_at_once, mlmd, mlmd_at_once, mlflow, wandb, wandb_in_one_run,
        lamindb,
    )
}  # fmt: skip


def _children(process: int) -> list[int]:
    """A process's children and theirs; none where the system does not tell."""
    found = []
    for told in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, told.read_text(encoding="ascii").split()):
            found += [child, *_children(child)]
    return found


def cpu_time() -> float:
    """CPU seconds of this process and of its children that live, those to a hundredth of a second."""
    ticks = 0
    for child in _children(os.getpid()):
        fields = Path(f"/proc/{child}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    ended = os.times()
    return (
        time.process_time() + ended.children_user + ended.children_system + ticks / os.sysconf("SC_CLK_TCK")
    )


def main() -> None:
    name, folder = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the system itself prints is no answer
    adapter, done = ADAPTERS[name](folder), 0
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), cpu_time()
        for number in range(done, done + int(line)):
            adapter.record(number)
        adapter.settle()
        spent = {"wall": time.perf_counter() - wall, "cpu": cpu_time() - cpu}
        done += int(line)
        print(json.dumps(spent), file=answers, flush=True)


if __name__ == "__main__":
    main()
