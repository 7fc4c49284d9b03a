from __future__ import annotations

import posixpath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exarp.model.path import (
    is_folder,
    is_glob,
    is_outside,
    literal_ends,
    literal_prefix,
    matcher,
    matches,
    normalise,
    parents,
    relative,
)
from tests.effort import tries

from .naive_glob import glob_matches

SOME = settings(max_examples=tries(500), deadline=None, derandomize=True)
WRITTEN = st.lists(st.sampled_from(["a", "b", ".", "..", "", "...", ".x", "y."]), max_size=6).map("/".join)
FOLDERS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3).map("/".join)
NAMES = st.text("ab.", min_size=1, max_size=3).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
GLOB_PARTS = st.text("ab.*?[]!^-", min_size=1, max_size=5).filter(lambda part: part not in (".", ".."))
GLOBS = st.tuples(
    st.lists(st.just("**") | GLOB_PARTS, min_size=1, max_size=3).map("/".join), st.sampled_from(["", "", "/"])
).map("".join)


# -- normalise -------------------------------------------------------------------------------------------------


@SOME
@given(WRITTEN)
def test_a_normal_path_is_what_the_system_would_make_of_it(written):
    normal = normalise(written)

    expected = posixpath.normpath(written or ".").replace("//", "/")
    assert normal == "./" if expected == "." else (normal.rstrip("/") or "/") == expected
    assert normal.endswith("/") == (
        written.endswith(("/", "/.", "/..")) or written in ("", ".", "..") or expected in (".", "/")
    )


@SOME
@given(WRITTEN, FOLDERS)
def test_a_path_is_seen_from_its_base_unless_it_is_absolute(written, base):
    joined = written if written.startswith("/") or not base else f"{base}/{written}"

    assert normalise(written, base) == normalise(joined)


@SOME
@given(WRITTEN)
def test_what_is_normal_stays_as_it_is(written):
    assert normalise(normalise(written)) == normalise(written)


@SOME
@given(WRITTEN)
def test_a_path_lies_outside_if_it_leads_up_or_is_absolute(written):
    expected = posixpath.normpath(written or ".")
    assert is_outside(normalise(written)) == (expected.startswith("/") or expected.split("/")[0] == "..")


@pytest.mark.parametrize(
    ("written", "base", "normal"),
    [
        ("./a//b/../c", "", "a/c"),
        ("", "src", "src/"),
        (".", "", "./"),
        ("/", "", "/"),
        ("/..", "", "/"),
        ("//a", "", "/a"),
        ("..", "", "../"),
        ("../x", "a/b", "a/x"),
        ("../../../x", "a", "../../x"),
        ("a/..", "", "./"),
        ("a./b", "", "a./b"),
        ("src/", "", "src/"),
        ("*.c", "src", "src/*.c"),
    ],
)
def test_normal_paths(written, base, normal):
    assert normalise(written, base) == normal


# -- kinds and parts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "glob", "folder"),
    [
        ("a", False, False),
        ("a/", False, True),
        ("a*", True, False),
        ("a*/", True, False),
        ("[", True, False),
        ("./", False, True),
    ],
)
def test_kinds_of_patterns(pattern, glob, folder):
    assert (is_glob(pattern), is_folder(pattern)) == (glob, folder)


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        ("src/**/*.c", "src/"),
        ("src/a*/x", "src/"),
        ("*.c", ""),
        ("src/deep/", "src/deep/"),
        ("src/x.c", "src/"),
        ("x", ""),
        ("./", ""),
        ("/usr/*.h", "/usr/"),
        ("../a/?", "../a/"),
    ],
)
def test_literal_prefixes(pattern, prefix):
    assert literal_prefix(pattern) == prefix


@SOME
@given(GLOBS.filter(is_glob), PATHS)
def test_what_matches_a_glob_has_its_literal_ends(glob, path):
    if matches(glob, path):
        first, last = literal_ends(glob)
        assert path.startswith(first)
        assert path.startswith(literal_prefix(glob))
        assert glob.endswith("/") or path.endswith(last)


def test_parents_come_nearest_first_and_a_folder_is_its_own():
    assert parents("a/b/c") == ["a/b/", "a/"]
    assert parents("a/b/") == ["a/b/", "a/"]
    assert parents("a") == parents("./x")[1:] == []
    assert parents("/usr/lib/x") == ["/usr/lib/", "/usr/"]


@SOME
@given(PATHS | PATHS.map("{}/".format) | PATHS.map("../{}".format) | st.just("./"), FOLDERS)
@example("a/b/", "a/b")
def test_a_relative_path_leads_back_to_where_it_came_from(path, start):
    # The folder itself is ".", whether or not it was written with a slash.
    assert normalise(relative(path, start), start).rstrip("/") == path.rstrip("/")


def test_absolute_paths_are_the_same_from_everywhere():
    assert relative("/usr/x", "a") == "/usr/x"


@pytest.mark.parametrize(
    ("path", "start", "expected"),
    [
        ("a/b", "", "a/b"),
        ("a/b", "./", "a/b"),
        ("a/b", "a", "b"),
        ("a/b", "a/", "b"),
        ("a/b", "c/d", "../../a/b"),
        ("a", "a", "."),
    ],
)
def test_relative_paths(path, start, expected):
    assert relative(path, start) == expected


# -- matching --------------------------------------------------------------------------------------------------


@settings(SOME, max_examples=tries(1500))
@given(GLOBS, PATHS)
def test_globs_match_as_their_definition_says(glob, path):
    if is_glob(glob):
        assert matches(glob, path) == glob_matches(glob, path)
    else:
        assert matches(glob, path) == (f"{path}/".startswith(glob) if glob.endswith("/") else path == glob)


@SOME
@given(GLOBS.filter(is_glob), PATHS)
def test_a_compiled_glob_decides_as_matches_does(glob, path):
    assert (matcher(glob).match(path) is not None) == matches(glob, path)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.c", "a.c", True),
        ("*.c", "src/a.c", False),
        ("*.c", ".c", False),
        ("*", ".hidden", False),
        (".*", ".hidden", True),
        ("?x", ".x", False),
        ("[.]x", ".x", False),
        ("src/**/*.c", "src/a.c", True),
        ("src/**/*.c", "src/a/b/c.c", True),
        ("src/**/*.c", "src/.git/c.c", False),
        ("src/**", "src/a/b", True),
        ("src/**", "src", False),
        ("**", "a/b/.c", False),
        ("**/**/x", "x", True),
        ("**/**", "a/b", True),
        ("a**b", "axxb", True),
        ("a**b", "a/b", False),
        ("src/*/", "src/a/.hidden/x", True),
        ("src/*/", "src/a", False),
        ("src/", "src/.hidden", True),
        ("src/", "src", True),
        ("src/", "srcx", False),
        ("./", "anything/at/all", True),
        ("./", "../outside", False),
        ("./", "/outside", False),
        ("[a-c]", "b", True),
        ("[!a-c]", "b", False),
        ("[^a-c]", "d", True),
        ("[]]", "]", True),
        ("[!]]", "]", False),
        ("[!]", "x", False),
        ("[!]", "[!]", True),
        ("[z-a]", "m", False),
        ("[!z-a]", "m", True),
        ("[a-]", "-", True),
        ("[--0]", ".", False),
        ("x[--0]", "x.", True),
        ("[a&&b||c~~d]", "&", True),
        ("[[a]", "[", True),
        ("[\\d]", "1", False),
        ("a[", "a[", True),
        ("a+(b)$", "a+(b)$", True),
        ("*\n", "a\n", True),
        ("*", "a\nb", True),
    ],
)
def test_patterns_and_paths(pattern, path, expected):
    assert matches(pattern, path) is expected


def test_many_stars_do_not_make_a_mismatch_slow():
    assert not matches("**/" * 30 + "x", "a/" * 40 + "y")
    assert not matches("*" * 40 + "x", "a" * 60)
