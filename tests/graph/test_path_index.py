from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.graph import path_index
from exarp.graph.path_index import PathIndex
from exarp.model.path import matches
from tests.effort import tries

NAMES = st.text("ab.", min_size=1, max_size=3).filter(lambda name: name.strip("."))
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PARTS = st.text("ab.*?", min_size=1, max_size=3).filter(lambda part: part.strip(".")) | st.just("**")
PATTERNS = st.tuples(st.lists(PARTS, min_size=1, max_size=3).map("/".join), st.sampled_from(["", "/"])).map("".join)


@settings(max_examples=tries(300), deadline=None)
@given(st.sets(PATHS), st.lists(PATTERNS, max_size=8), st.sampled_from([0, 4]))
def test_a_pattern_covers_just_the_paths_that_match_it(paths, patterns, patience):
    index = PathIndex(paths, patience)

    wide = [pattern for pattern in patterns if "*" in pattern or "?" in pattern or pattern.endswith("/")]
    for pattern in wide:
        assert index.covered(pattern) == sorted(
            path for path in paths if matches(pattern, path) and f"{path}/" != pattern
        )


def test_the_folder_of_everything_covers_everything():
    assert PathIndex(["b/c", "a", "../out", "/abs"]).covered("./") == ["a", "b/c"]


def test_a_glob_that_nothing_could_match_is_not_compiled(monkeypatch):
    monkeypatch.delattr(path_index, "matcher")

    assert PathIndex(["a/x.c", "b/x.o"]).covered("c/**/*.c") == []
