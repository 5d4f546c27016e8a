from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prefect_lineage.cli.text import ago, count, duration, moment, short_digest, shortened, size, visible

NOW = 1_795_000_000_000_000
SECOND = 1_000_000


@given(st.text(alphabet=st.characters(), max_size=50))
def test_visible_text_prints_whatever_was_recorded(text: str) -> None:
    assert visible(text).isprintable()
    visible(text).encode("utf-8")


@given(st.text(max_size=50).filter(str.isprintable))
def test_text_that_prints_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_escapes_and_turned_lines_and_undecodable_bytes_are_spelt_out() -> None:
    assert visible("a\x1b[2Jb\n\u202ec\udcff") == "a\\x1b[2Jb\\n\\u202ec\\udcff"


@given(st.text(max_size=300), st.integers(min_value=3, max_value=200))
def test_a_shortened_text_fits_and_keeps_both_ends(text: str, limit: int) -> None:
    short, whole = shortened(text, limit), visible(text)
    assert len(short) <= limit
    assert short == whole or (whole.startswith(short.partition("…")[0]) and whole.endswith(short[-1]))


def test_sizes_are_decimal_and_short() -> None:
    shown = [size(number) for number in (None, 0, 999, 1_000, 1_234_567, 999_600, 5 * 10**15)]
    assert shown == ["", "0 B", "999 B", "1 kB", "1.23 MB", "1 MB", "5e+03 TB"]


def test_durations_are_as_precise_as_one_reads_them() -> None:
    shown = [duration(seconds) for seconds in (None, 0.04, 1.23, 59.97, 184, 7_500)]
    assert shown == ["", "40 ms", "1.2 s", "1 min 0 s", "3 min 4 s", "2 h 5 min"]


def test_recent_times_are_told_by_their_distance() -> None:
    shown = [ago(NOW - seconds * SECOND, NOW) for seconds in (2, 50, 720, 7_300, 86_400, 200_000)]
    assert shown == ["just now", "50 s ago", "12 min ago", "2 h ago", "1 day ago", "2 days ago"]


def test_old_and_future_times_are_told_by_their_date() -> None:
    assert ago(NOW - 30 * 86_400 * SECOND, NOW) == moment(NOW - 30 * 86_400 * SECOND)[:10]
    assert ago(NOW + 60 * SECOND, NOW) == moment(NOW + 60 * SECOND)
    assert ago(None, NOW) == moment(None) == ""


def test_digests_are_cut_where_they_still_tell() -> None:
    assert short_digest("blake3:0123456789abcdef") == "blake3:0123456789ab"


def test_nouns_follow_their_number() -> None:
    assert [count(1, "run"), count(2, "run"), count(0, "entry", "entries")] == [
        "1 run",
        "2 runs",
        "0 entries",
    ]
