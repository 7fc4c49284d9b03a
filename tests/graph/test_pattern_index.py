from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exarp.graph import pattern_index
from exarp.graph.pattern_index import PatternIndex
from exarp.model.overlap import is_wide, overlap
from tests.effort import tries

NAMES = st.sampled_from(["a", "b", "*", "**", "a*", "*b", "?", "[ab]", ".a", ".*", "*.c", "a?c", "x_1", "x_*"])
INSIDE = st.tuples(st.lists(NAMES, min_size=1, max_size=4).map("/".join), st.sampled_from(["", "/"])).map("".join)
PATTERNS = (
    INSIDE | st.just("./") | INSIDE.map(lambda pattern: f"../{pattern}") | INSIDE.map(lambda pattern: f"/{pattern}")
)


@settings(max_examples=tries(600), deadline=None, derandomize=True)
@given(st.lists(PATTERNS.filter(is_wide), max_size=30, unique=True), PATTERNS, st.sampled_from([1, 64]))
def test_an_index_finds_what_overlaps_one_by_one(patterns, pattern, patience):
    index = PatternIndex(patterns)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pattern_index, "_PATIENCE", patience)
        assert index.overlapping(pattern) == sorted(other for other in patterns if overlap(other, pattern))


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("src/*/mod_{}/*.c", "src/*/mod_{}/*.o"),
        ("**/foo_{}.c", "**/foo_{}.o"),
        ("gen/foo_{}_*.c", "gen/foo_{}_*.h"),
        ("gen/*_{}_.c", "gen/*_{}_.h"),
        ("src/{}/**/*.c", "build/{}/"),
        ("**/mod_{}/*.c", "**/mod_{}/*.o"),
        ("b/**/*_{}.c", "b/**/*_{}.o"),
    ],
)
def test_patterns_that_do_not_overlap_are_not_compared_one_by_one(read, written, monkeypatch):
    looked_at = []
    share_name = pattern_index.share_name
    monkeypatch.setattr(pattern_index, "share_name", lambda *names: looked_at.append(names) or share_name(*names))
    built = []
    names = pattern_index._Texts.names
    monkeypatch.setattr(pattern_index._Texts, "names", lambda *given: built.extend(names(*given)) or names(*given))
    numbers = range(1000)
    index = PatternIndex(pattern.format(n) for n in numbers for pattern in (read, written))

    assert all(index.overlapping(written.format(n)) == [written.format(n)] for n in numbers)
    assert len(looked_at) < 40 * len(numbers)
    assert len(built) < 40 * len(numbers)
