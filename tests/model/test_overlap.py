from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.model.overlap import overlap
from exarp.model.path import is_glob, takes_away
from tests.effort import tries

from .naive_glob import glob_matches

NAMES = [
    name
    for name in ("".join(pair) for pair in itertools.product("ab.", ["", "a", "b", "."]))
    if name not in (".", "..")
]
PATHS = ["/".join(names) for depth in (1, 2, 3) for names in itertools.product(NAMES, repeat=depth)]
TOKENS = st.lists(st.sampled_from(["a", "b", ".", "*", "?", "[ab]", "[!a]"]), min_size=1, max_size=2).map("".join)
PARTS = TOKENS.filter(lambda part: part not in (".", "..", "**")) | st.just("**")
PATTERNS = st.tuples(st.lists(PARTS, min_size=1, max_size=2).map("/".join), st.sampled_from(["", "", "/"])).map("".join)


def belongs(path, pattern):
    if any(char in pattern for char in "*?["):
        return glob_matches(pattern, path)
    return f"{path}/".startswith(pattern) if pattern.endswith("/") else path == pattern


@settings(max_examples=tries(300), deadline=None, derandomize=True)
@given(PATTERNS, PATTERNS)
def test_patterns_overlap_where_some_path_belongs_to_both(one, other):
    common = any(belongs(path, one) and belongs(path, other) for path in PATHS)
    leads_in = any(not is_glob(a) and b.startswith(f"{a}/") for a, b in ((one, other), (other, one)))
    # A folder below "**/x" may need a path that is deeper than these.
    deep = "**" in one + other and one.endswith("/") and other.endswith("/")
    assert overlap(one, other) == (common or leads_in) or deep
    assert overlap(one, other) or not common


@settings(max_examples=tries(300), deadline=None, derandomize=True)
@given(PATTERNS, PATTERNS, PATTERNS, st.sampled_from(["free", "same", "all"]))
def test_what_is_taken_away_leaves_nothing_of_an_overlap(out, written, reading, kind):
    # Free patterns rarely take anything away.
    out = {"free": out, "same": written, "all": f"{written}**"}[kind]
    if takes_away(out, written, reading):
        left = [path for path in PATHS if belongs(path, written) and belongs(path, reading) and not belongs(path, out)]
        # A glob stands for no folder.
        assert set(left) <= ({written.rstrip("/")} if written.endswith("/") and is_glob(reading) else set())


@given(PATTERNS, PATTERNS)
def test_overlap_has_no_direction(one, other):
    assert overlap(one, other) == overlap(other, one)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("src/*.c", "src/*.h", False),
        ("src/*.c", "src/**", True),
        ("src/**/*.c", "src/a/", True),
        ("src/*.c", "src/a/", False),
        ("**/*.py", "docs/*.md", False),
        ("**/test_*", "pkg/*_test*", True),
        ("[a-f]*", "[g-z]*", False),
        ("[a-g]*", "[g-z]*", True),
        ("[!a]", "[!b]", True),
        ("[z-a]", "*", False),
        ("*", ".env", False),
        (".*", ".env", True),
        (".*", "*", False),
        ("**/x", ".git/", False),
        ("./", "../outside", False),
        ("./", "a/**", True),
        ("out/", "out", True),
        ("out", "out/", True),
        ("out", "out/x", True),
        ("out/*.c", "out", True),
        ("out/*.c", "*.c", False),
        ("main", "*/x", False),
        ("a*b*c", "a*d*c", True),
        ("a?c", "abbc", False),
        ("*/", "*", False),
        ("*/", "a/*", True),
        ("a/*/", "a/*", False),
        ("*/", "a/b/*", True),
        ("a**b", "ab", True),
    ],
)
def test_pairs_of_patterns(one, other, expected):
    assert overlap(one, other) is expected
