"""The layout of the index: what is put in comes out, and damage of any kind is noticed before it is read."""

from __future__ import annotations

import os
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exarp.index import (
    NAME,
    Back,
    Front,
    IndexFile,
    environment_digest,
    in_memory,
    is_settled,
    joined,
    listing_digest,
    packed,
    renewed,
    replace_index,
    take_index,
)

PATHS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1), max_size=6)
NANOSECONDS = st.integers(-(1 << 63), (1 << 63) - 1)


def small() -> bytes:
    """An index of two files and two tasks, the second of which needs the first."""
    columns = [array("q", [1, -2]).tobytes() for _ in range(3)]
    front = ({"root": "/w"}, joined(["in/a", "out/a"]), *columns, array("Q", [7, 1 << 63]).tobytes(), b"\1\0\0\0")
    rows = [array("I", values).tobytes() for values in ([0, 1], [0], [1, 2], [0, 1], [0, 1], [5], [1, 1], [0])]
    return packed(front, (b"a" * 32 + b"b" * 32, joined(["make", "use"]), b"\1\2", *rows, {"u": ("use",)}), b"makings")


def test_what_is_put_in_comes_out() -> None:
    file = in_memory(small())
    front, back = file.front(), file.back()
    assert (front.about, front.paths, list(front.mtimes), list(front.inodes)) == (
        {"root": "/w"},
        ["in/a", "out/a"],
        [1, -2],
        [7, 1 << 63],
    )
    assert (back.names, back.digest(1), back.words, front.young) == (["make", "use"], b"b" * 32, {"u": ("use",)}, [1])
    assert [list(back.needs(task)) for task in (0, 1)] == [[], [0]]
    assert [list(back.files(task)) for task in (0, 1)] == [[0], [1]]
    assert [list(back.folders(task)) for task in (0, 1)] == [[], [5]]
    assert [list(back.made(task)) for task in (0, 1)] == [[0], []]


@given(PATHS)
def test_paths_of_any_kind_are_kept(paths: list[str]) -> None:
    nothing = array("q", [0] * len(paths)).tobytes()
    front = Front(({}, joined(paths), nothing, nothing, nothing, nothing, b""))
    assert front.paths == paths
    assert Back((b"", joined(paths), *[b""] * 9, {})).names == paths


def test_a_name_that_is_no_utf8_is_kept() -> None:
    name = os.fsdecode(b"caf\xe9")
    assert Front(({}, joined([name]), b"", b"", b"", b"", b"")).paths == [name]


@given(st.data())
def test_damage_is_noticed(data: st.DataObject) -> None:
    whole = small()
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(1, 255))
    damaged = bytearray(whole)
    damaged[at] ^= byte
    with pytest.raises(ValueError, match=r"index|cut"):
        read_all(bytes(damaged))


@given(st.integers(0, len(small()) - 1))
def test_a_cut_index_is_noticed(length: int) -> None:
    with pytest.raises(ValueError, match=r"index|cut"):
        read_all(small()[:length])


def read_all(data: bytes) -> None:
    file = in_memory(data)
    file.front()
    file.back()
    file.makings()


@given(st.lists(st.tuples(st.integers(0, 1), *[NANOSECONDS] * 3, st.integers(0, (1 << 64) - 1), st.booleans())))
def test_what_a_front_learns_stands_in_the_index_made_of_it_and_the_rest_is_as_it_was(
    learned: list[tuple[int, int, int, int, int, bool]],
) -> None:
    file = in_memory(small())
    front = file.front()
    expected = {at: (front.mtimes[at], front.ctimes[at], front.sizes[at], front.inodes[at]) for at in (0, 1)}
    young = {1}
    for at, mtime, ctime, size, inode, settled in learned:
        front.learn(at, mtime, ctime, size, inode, settled)
        expected[at] = (mtime, ctime, size, inode)
        young = young - {at} if settled else young | {at}
    assert front.has_learned is bool(learned)
    pieces = list(renewed(front, file))
    again = in_memory(b"".join(pieces))
    for each in (front, again.front()):
        assert {at: (each.mtimes[at], each.ctimes[at], each.sizes[at], each.inodes[at]) for at in (0, 1)} == expected
        assert (set(each.young), each.paths, each.about) == (young, ["in/a", "out/a"], {"root": "/w"})
    assert (again.back().parts, again.makings()) == (file.back().parts, file.makings())
    # Not as a whole, which may be large.
    assert b"".join(pieces[2:]).endswith(b"makings")


def test_of_an_index_that_was_cut_none_is_made(tmp_path: Path) -> None:
    data = small()
    file = IndexFile(lambda length, at: data[at : at + length], len(data))
    front = file.front()
    data = data[:-3]
    with pytest.raises(ValueError, match="cut"):
        replace_index(str(tmp_path), renewed(front, file))
    assert list(tmp_path.iterdir()) == []


def test_an_index_is_published_whole_and_taken_once(tmp_path: Path) -> None:
    replace_index(str(tmp_path), (b"o", b"ne"))
    replace_index(str(tmp_path), (b"two",))
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME]
    assert take_index(str(tmp_path)) == b"two"
    assert take_index(str(tmp_path)) is None


def test_where_an_index_cannot_be_put_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "in the way").touch()
    with pytest.raises(OSError, match="directory"):
        replace_index(str(tmp_path), (b"o", b"ne"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME]


@given(st.dictionaries(st.sampled_from("ABC"), st.sampled_from(["", "1", "1\nB=2", "x"])), st.sampled_from("ABC"))
def test_any_other_value_is_another_environment(environ: dict[str, str], name: str) -> None:
    names = ("A", "B", "C")
    before = environment_digest(names, environ, b"salt")
    assert environment_digest(names, {**environ, "D": "1"}, b"salt") == before
    for value in ("", "other"):
        changed = {**environ, name: value}
        assert (environment_digest(names, changed, b"salt") == before) is (changed == environ)
    without = {key: value for key, value in environ.items() if key != name}
    assert (environment_digest(names, without, b"salt") == before) is (without == environ)
    assert environment_digest(names, environ, b"pepper") != before


def test_where_exarp_is_called_is_no_part_of_the_environment() -> None:
    before = environment_digest(None, {"A": "1", "PWD": "/x", "EXARP_RUN": "3"}, b"")
    assert environment_digest(None, {"A": "1", "PWD": "/y", "SHLVL": "2"}, b"") == before
    assert environment_digest(None, {"A": "1", "B": ""}, b"") != before


ENTRIES = st.lists(st.tuples(st.sampled_from(["a", "b", "a/1"]), st.booleans(), st.booleans()), unique=True)


@given(ENTRIES, ENTRIES)
def test_listings_are_equal_where_their_entries_are(
    one: list[tuple[str, bool, bool]], other: list[tuple[str, bool, bool]]
) -> None:
    assert (listing_digest(one) == listing_digest(other)) is (sorted(one) == sorted(other))


@given(NANOSECONDS, NANOSECONDS, st.integers(0, 1 << 62))
def test_what_is_as_young_as_the_look_proves_nothing(mtime: int, ctime: int, moment: int) -> None:
    if is_settled(mtime, ctime, moment):
        assert max(mtime, ctime) < moment - 20_000_000 + 1
    assert not is_settled(moment, ctime, moment)
    assert not is_settled(mtime, moment - 1, moment)


def test_whole_seconds_are_of_a_coarse_clock() -> None:
    second = 1_000_000_000
    assert is_settled(second + 1, second, second + 100_000_000)
    assert not is_settled(second, second, second + 100_000_000)
    assert is_settled(second, second, 4 * second)
