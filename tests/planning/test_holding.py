from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exarp.planning.holding import waiting

NAMES = st.sampled_from("abcdefgh")
GRAPHS = st.dictionaries(NAMES, st.lists(NAMES, unique=True, max_size=3))


def reached(needs: dict[str, list[str]], name: str) -> set[str]:
    """All that a task waits for, directly or not; needs may be circular."""
    found: set[str] = set()
    stack = [name]
    while stack:
        for need in needs.get(stack.pop(), ()):
            if need not in found:
                found.add(need)
                stack.append(need)
    return found


@given(GRAPHS, st.sets(NAMES))
def test_who_waits_for_what_is_held(needs: dict[str, list[str]], held: set[str]) -> None:
    needs = {name: before for name, before in needs.items() if name not in held}
    expected = {name: tuple(sorted(reached(needs, name) & held)) for name in needs}
    assert waiting(needs, held) == {name: names for name, names in expected.items() if names}
