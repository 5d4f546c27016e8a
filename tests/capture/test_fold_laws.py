"""Laws of the fold, for any sequence of accesses."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_lineage.capture import fold as rules
from prefect_lineage.capture.attempt import Access
from prefect_lineage.capture.fold import Touch, fold
from prefect_lineage.capture.members import Whole, with_members_gathered, with_parts_gathered
from prefect_lineage.capture.places import Places
from prefect_lineage.capture.renames import with_renames_followed

PLACES = st.sampled_from(["/d/a", "/d/b", "/d/c"])
ACCESSES = st.lists(
    st.builds(
        Access,
        operation=st.sampled_from(["read", "write", "append", "update", "delete"]),
        target=PLACES,
        via=st.just("open"),
        existed=st.booleans(),
    ),
    max_size=8,
)


def folded(accesses: list[Access], noise: bool = False, exists: bool = True) -> set[tuple[str, str]]:
    touches = fold(accesses, lambda path, write: noise, lambda path: exists)
    return {(touch.direction, touch.target) for touch in touches}


@settings(deadline=None)
@given(ACCESSES)
def test_there_is_one_touch_for_each_place_and_direction(accesses: list[Access]) -> None:
    touches = fold(accesses, lambda path, write: False, lambda path: True)
    assert len({(touch.direction, touch.target) for touch in touches}) == len(touches)


@settings(deadline=None)
@given(ACCESSES)
def test_nothing_is_said_of_what_was_not_touched(accesses: list[Access]) -> None:
    assert {target for _, target in folded(accesses)} <= {access.target for access in accesses}


@settings(deadline=None)
@given(ACCESSES)
def test_what_was_only_read_is_only_an_input(accesses: list[Access]) -> None:
    reads = [access for access in accesses if access.operation == "read"]
    assert folded(reads) == {("input", access.target) for access in reads}


@settings(deadline=None)
@given(ACCESSES)
def test_a_place_that_was_first_written_is_no_input(accesses: list[Access]) -> None:
    accesses = [Access("write", "/d/a", "open"), *accesses]
    assert ("input", "/d/a") not in folded(accesses)


@settings(deadline=None)
@given(ACCESSES)
def test_noise_leaves_nothing(accesses: list[Access]) -> None:
    assert folded(accesses, noise=True) == set()


@settings(deadline=None)
@given(ACCESSES)
def test_what_is_not_there_at_the_end_is_no_output(accesses: list[Access]) -> None:
    assert not {target for direction, target in folded(accesses, exists=False) if direction == "output"}


@settings(deadline=None)
@given(ACCESSES)
def test_folding_does_not_change_what_it_is_given(accesses: list[Access]) -> None:
    before = [(access.operation, access.target, access.existed, access.times) for access in accesses]
    assert folded(accesses) == folded(accesses)
    assert before == [(access.operation, access.target, access.existed, access.times) for access in accesses]


@settings(deadline=None)
@given(ACCESSES)
def test_the_times_of_reads_add_up(accesses: list[Access]) -> None:
    reads = [access for access in accesses if access.operation == "read"]
    touches = fold(reads, lambda path, write: False, lambda path: True)
    assert sum(touch.times for touch in touches) == len(reads)


@settings(deadline=None)
@given(ACCESSES, PLACES)
def test_a_claim_absorbs_what_happens_below_it(accesses: list[Access], place: str) -> None:
    for access in accesses:
        access.claim, access.target = 7, f"{place}/{access.target[-1]}"
    claimed = Access("write", place, "library.write", own=7)
    assert folded([*accesses, claimed]) == {("output", place)}


@settings(deadline=None)
@given(ACCESSES)
def test_a_claim_does_not_absorb_what_lies_elsewhere(accesses: list[Access]) -> None:
    alone = folded(accesses)
    for access in accesses:
        access.claim = 7
    assert folded([*accesses, Access("read", "/e", "library.read", own=7)]) == alone | {("input", "/e")}


ANY_ACCESSES = st.lists(
    st.builds(
        Access,
        operation=st.sampled_from(["read", "write", "append", "update", "open", "rename", "delete"]),
        target=st.sampled_from(["/d/a", "/d/b", "/d", "/e/c", "s3://b/k"]),
        via=st.just("open"),
        existed=st.booleans(),
        origin=st.none() | st.sampled_from(["/d/a", "/e/c"]),
        own=st.sampled_from([0, 0, 0, 7]),
        claim=st.sampled_from([0, 0, 7]),
        members=st.booleans(),
        inferred=st.booleans(),
    ),
    max_size=6,
)
MISSING = st.frozensets(st.sampled_from(["/d/a", "/d/b", "/d", "/e/c"]))
NOISE = st.frozensets(st.sampled_from(["/d/a", "/e/c"]))
WHOLES = st.sampled_from([{}, {"/d": Whole("dataset", "parquet")}])


def by_all_rules(
    accesses: list[Access], noise: frozenset[str], missing: frozenset[str], wholes: dict[str, Whole]
) -> list[Touch]:
    """The fold without its short cuts: every rule is asked, whatever there is."""
    exists = lambda path: path not in missing  # noqa: E731
    found = rules.with_opens_decided(rules.with_real_paths(accesses, Places()))
    found = rules.without_noise(found, lambda path, write: path in noise)
    found = rules.without_claimed(found, {})
    found = with_parts_gathered(found, wholes, exists)
    found = rules.with_updates_split(found)
    found = with_members_gathered(with_renames_followed(found))
    found = rules.without_own_outputs(found)
    return rules.counted(rules.without_scratch(found, exists), {})


def told(touches: list[Touch]) -> list[tuple[object, ...]]:
    return [
        (touch.target, touch.direction, touch.times, touch.ended, touch.access.operation, touch.access.at)
        for touch in touches
    ]


@settings(deadline=None)
@given(ANY_ACCESSES, NOISE, MISSING, WHOLES)
def test_a_rule_that_is_passed_over_would_have_changed_nothing(
    accesses: list[Access], noise: frozenset[str], missing: frozenset[str], wholes: dict[str, Whole]
) -> None:
    for access in accesses:
        access.claim = 0 if access.own else access.claim  # no claim lies within itself
    found = fold(accesses, lambda path, write: path in noise, lambda path: path not in missing, wholes=wholes)
    assert told(found) == told(by_all_rules(accesses, noise, missing, wholes))
