"""The way from a child process to the attempt that it works for: nothing is lost that was told in time."""

from __future__ import annotations

import functools
import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_lineage.capture import children, spool
from prefect_lineage.capture.attempt import Access, Attempt, late
from prefect_lineage.capture.children import Carrier, carried
from prefect_lineage.capture.context import current
from prefect_lineage.capture.fingerprints import Fingerprint
from prefect_lineage.model.records import Content
from prefect_lineage.settings import Settings
from prefect_lineage.testing import captured

sys.path.append(str(Path(__file__).parent / "child_code"))

import at_work

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    found = Attempt("some-run", 2, "pipe.work", settings=Settings(journal_dir=tmp_path / "journal"))
    found.hands_over("test")
    return found


def copy_of(attempt: Attempt) -> Attempt:
    """The attempt as a child process has it."""
    return Attempt(attempt.run, attempt.number, attempt.job, spool=attempt.spool, limit=attempt.limit, pid=0)


def in_a_fork(act: Callable[[], object]) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


numbers = st.integers(0, 2**62)
texts = st.text(st.characters(codec=None), max_size=20)
contents = st.builds(
    Content,
    texts,
    st.sampled_from(["all", "none"]),
    st.none() | numbers,
    st.none() | texts,
    st.none() | numbers,
    st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    st.booleans(),
)
accesses = st.builds(
    Access,
    st.sampled_from(["read", "write", "append", "update", "rename", "delete"]),
    texts,
    texts,
    at=numbers,
    claim=numbers,
    own=numbers,
    existed=st.booleans(),
    before=st.none() | contents,
    known=st.none() | st.builds(Fingerprint, numbers, numbers, numbers, numbers, numbers),
    origin=st.none() | texts,
    type=st.none() | texts,
    format=st.none() | texts,
    rows=st.none() | numbers,
    schema=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    metadata=st.dictionaries(texts, st.none() | texts | numbers, max_size=3),
    times=st.integers(1, 9),
)


@given(told=st.lists(accesses, max_size=5))
def test_what_a_child_tells_arrives_as_it_was(told: list[Access], tmp_path_factory) -> None:
    journal = tmp_path_factory.mktemp("journal")
    attempt = Attempt("run", settings=Settings(journal_dir=journal))
    attempt.hands_over("test")
    child = copy_of(attempt)
    for access in told:
        child.add(access)
    child.tell("hello", "test")
    children.gather(attempt)
    assert [access.to_dict() for access in attempt.accesses] == [access.to_dict() for access in told]
    assert attempt.misses == {}


def test_an_attempt_arrives_in_another_process_as_a_carrier(attempt: Attempt) -> None:
    (carrier,) = pickle.loads(pickle.dumps(functools.partial(print, attempt))).args
    assert isinstance(carrier, Carrier)
    assert (carrier.run, carrier.number, carrier.spool) == ("some-run", 2, attempt.spool)


def test_in_its_own_process_the_attempt_itself_is_carried(attempt: Attempt) -> None:
    assert carried(attempt, "", 0, current.get) is attempt
    assert current.get() is None


def test_accesses_of_several_processes_meet_in_the_order_of_their_times(attempt: Attempt) -> None:
    first, second = copy_of(attempt), copy_of(attempt)
    for child, target, at in ((first, "/1", 10), (second, "/2", 20), (first, "/3", 30)):
        child.add(Access("write", target, "open", at=at))
    # an adapter's access is as old as its call, and comes after what happened inside
    for target, at in (("/inside", 25), ("/around", 15), ("/last", 40)):
        attempt.add(Access("write", target, "open", at=at))
    children.gather(attempt)
    assert [access.target for access in attempt.accesses] == ["/1", "/2", "/inside", "/around", "/3", "/last"]


def test_a_line_that_a_killed_child_did_not_finish_costs_that_line_only(attempt: Attempt) -> None:
    copy_of(attempt).add(Access("read", "/whole", "open"))
    (path,) = Path(attempt.spool).iterdir()
    path.write_bytes(path.read_bytes() + b'{"key": "x", "access": {"operation": "re')
    children.gather(attempt)
    assert [access.target for access in attempt.accesses] == ["/whole"]


def test_who_comes_after_the_end_is_counted_and_leaves_nothing(attempt: Attempt) -> None:
    child = copy_of(attempt)
    child.job = "a job of late accesses"
    child.add(Access("read", "/in-time", "open"))
    children.gather(attempt)
    child.add(Access("read", "/late", "open"))
    child.add(Access("read", "/later", "open"))
    assert not Path(attempt.spool).exists()
    assert [access.target for access in attempt.accesses] == ["/in-time"]
    assert late["a job of late accesses"] == 2


def test_children_that_do_more_than_the_limit_allows_say_so(attempt: Attempt) -> None:
    attempt.limit = 2
    child = copy_of(attempt)
    for number in range(12):
        child.add(Access("read", f"/{number}", "open"))
    attempt.add(Access("read", "/own", "open"))
    children.gather(attempt)
    assert len(attempt.accesses) == 8
    assert attempt.dropped == 5


def test_work_that_nobody_took_up_is_counted_by_its_way(attempt: Attempt) -> None:
    attempt.hands_over("test")
    attempt.hands_over("other")
    copy_of(attempt).tell("hello", "other")
    children.gather(attempt)
    assert attempt.misses == {"not seen inside: test": 2}


def test_without_a_place_for_spools_the_work_goes_on_and_is_counted(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("no directory")
    attempt = Attempt("run", settings=Settings(journal_dir=tmp_path / "journal"))
    token = current.set(attempt)
    try:
        in_a_fork(lambda: (tmp_path / "made.txt").write_text(str(current.get())))
    finally:
        current.reset(token)
    children.gather(attempt)
    assert (tmp_path / "made.txt").exists()
    assert attempt.misses == {"not seen inside: fork": 1}


def test_a_forked_copy_of_an_attempt_tells_instead_of_keeping(attempt: Attempt) -> None:
    attempt.add(Access("read", "/before", "open"))
    token = current.set(attempt)
    try:
        in_a_fork(lambda: attempt.add(Access("read", "/child", "open")))
        in_a_fork(lambda: in_a_fork(lambda: attempt.add(Access("read", "/grandchild", "open"))))
    finally:
        current.reset(token)
    assert [access.target for access in attempt.accesses] == ["/before"]
    children.gather(attempt)
    assert [access.target for access in attempt.accesses] == ["/before", "/child", "/grandchild"]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_kit_for_plugins_tests_sees_what_children_do_once(tmp_path: Path, method: str) -> None:
    with captured(root=tmp_path, settings={"journal_dir": tmp_path / "journal"}) as seen:
        with multiprocessing.get_context(method).Pool(1) as pool:
            pool.apply(at_work.write, (str(tmp_path / "made.txt"),))
        in_a_fork(lambda: at_work.write(str(tmp_path / "forked.txt")))
    assert seen.lines == ["W forked.txt", "W made.txt"]
    assert {edge.times for edge in seen.edges} == {1}


def _tell_much(folder: str, number: int) -> None:
    for step in range(200):
        spool.tell(folder, "said", f"{number}-{step}")


def test_processes_that_tell_at_once_are_all_heard(attempt: Attempt) -> None:
    context = multiprocessing.get_context("fork")
    told_by = [context.Process(target=_tell_much, args=(attempt.spool, number)) for number in range(4)]
    for child in told_by:
        child.start()
    for child in told_by:
        child.join()
    told = spool.take(attempt.spool)
    assert sorted(len(lines) for lines in told) == [200] * 4
    assert len({line["said"] for lines in told for line in lines}) == 800
    assert len({line["key"] for lines in told for line in lines}) == 800


def test_the_spool_of_a_killed_process_is_swept_away_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    ours = Path(spool.make(tmp_path, "ours", 1))
    script = """if True:
        import sys
        from pathlib import Path
        from prefect_lineage.capture import spool
        folder = spool.make(Path(sys.argv[1]), "left", 1)
        spool.tell(folder, "said", 1)
        print(folder)
    """
    words = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    left = Path(done.stdout.strip())
    assert left.exists()
    assert spool.sweep(tmp_path) == 1
    assert not left.exists()
    assert ours.exists()
    assert spool.take(str(ours)) == []
    assert spool.sweep(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_spool_from_another_machine_is_swept_away_when_it_is_old(tmp_path: Path) -> None:
    folder = tmp_path / "attempts" / "run-1.7@elsewhere.spool"
    folder.mkdir(parents=True)
    assert spool.sweep(tmp_path) == 0
    os.utime(folder, (1, 1))
    assert spool.sweep(tmp_path) == 1
