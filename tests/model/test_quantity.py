from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.model.quantity import amount, exact_duration, format_duration, parse_duration, parse_size

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


@given(st.lists(st.tuples(st.integers(0, 9999), st.sampled_from(sorted(UNITS))), min_size=1, max_size=4))
def test_durations_add_up_their_parts(parts):
    text = "".join(f"{count}{unit}" for count, unit in parts)

    assert parse_duration(text) == pytest.approx(sum(amount * UNITS[unit] for amount, unit in parts))


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("500ms", 0.5), ("1h30m", 5400), ("1.5m", 90), ("2d", 172800), ("1m1ms", 60.001)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "5", "s", "-1s", "1 s", " 1s", "1s ", "1s2", "1x", "1.s", ".5s", "1e3s", "٣s", "1S", "9" * 400 + "s"]
)
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("512", 512),
        ("512B", 512),
        ("1KB", 1000),
        ("1KiB", 1024),
        ("8GiB", 8 * 1024**3),
        ("8 GB", 8 * 10**9),
        (" 1.5MiB ", 1536 * 1024),
        ("0.1KiB", 102),
        ("1PiB", 1024**5),
        ("999999999999999", 999999999999999),
        ("999999999999999.7PB", 999999999999999700000000000000),
    ],
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1", "1 iB", "1G", "1gib", "1EB", "1.", "٣KB", "1KB2", "1e3", "9" * 400])
def test_what_is_no_size(text):
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (0.64, "0.6s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (12.4, "12s"),
        (59.4, "59s"),
        (59.5, "1m00s"),
        (185, "3m05s"),
        (3599.4, "59m59s"),
        (3599.6, "1h00m"),
        (7440, "2h04m"),
        (360000, "100h00m"),
    ],
)
def test_durations_as_a_person_reads_them(seconds, text):
    assert format_duration(seconds) == text


@given(st.floats(0, 1e6))
def test_a_shown_duration_is_never_longer_than_a_narrow_column(seconds):
    assert len(format_duration(seconds)) <= 7


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.05, "50ms"), (90, "1m30s"), (3661.5, "1h1m1s500ms"), (86400, "1d")],
)
def test_durations_as_a_manifest_writes_them(seconds, text):
    assert exact_duration(seconds) == text
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (4, "4"),
        (999_999, "999999"),
        (16 * 2**30, "16GiB"),
        (1_500_000_000, "1500MB"),
        (3 * 2**40, "3TiB"),
        (1_000_001, "1000001"),
    ],
)
def test_amounts_of_a_pool_have_the_unit_they_were_surely_written_with(number, text):
    assert amount(number) == text
    assert parse_size(text) == number
