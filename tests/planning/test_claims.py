"""What comes in the way of another run, beside an oracle that compares every pair."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from hypothesis import example, given
from hypothesis import strategies as st

from exarp.model.path import takes_away
from exarp.model.task import Service, Task
from exarp.planning.claims import Claim, claim_of, first_conflict, relying, waits_for_itself

from .overlaps import overlap

PATTERNS = st.sampled_from(
    ["a", "b", "out/", "out/x", "out/*.c", "out/**", "./", "d/p", "d/", "**/*.h", "top", "top/x"]
)
SOME = st.lists(PATTERNS, max_size=2).map(tuple)
CLAIMS = st.lists(
    st.builds(
        Claim,
        task=st.sampled_from("stuvw"),
        reads=SOME,
        excluded=st.lists(st.sampled_from(["out/x", "out/", "d/p", "**"]), max_size=1).map(tuple),
        tools=SOME,
        writes=SOME,
        mutex=st.lists(st.sampled_from("mn"), max_size=1).map(tuple),
    ).flatmap(lambda claim: st.sampled_from([claim, relying(claim)])),
    max_size=4,
    unique_by=lambda claim: claim.task,
)


def left(claim: Claim, written: str, reading: str) -> bool:
    """Whether a claim that reads one pattern reads something of what is written."""
    if not overlap(written, reading):
        return False
    return reading in claim.tools or not any(takes_away(out, written, reading) for out in claim.excluded)


def conflicts(wanted: Claim, held: Claim) -> set[tuple[str, str]]:
    """All reasons between two claims, one pair of patterns after the other: (code, what)."""
    found = set()
    if wanted.task == held.task and not (wanted.relied and held.relied):
        found.add(("task", ""))
    found.update(("mutex", name) for name in wanted.mutex if name in held.mutex)
    for pattern in wanted.writes:
        found.update(("write-write", other) for other in held.writes if overlap(pattern, other))
        found.update(("read-write", other) for other in (*held.reads, *held.tools) if left(held, pattern, other))
    for reading in (*wanted.reads, *wanted.tools):
        found.update(("write-read", other) for other in held.writes if left(wanted, other, reading))
    return found


@given(CLAIMS, CLAIMS)
@example([Claim("s", reads=("out/",), excluded=("out/x",), tools=("out/",))], [Claim("t", writes=("out/x",))])
def test_the_first_conflict_is_one_of_those_that_there_are(wanted: Sequence[Claim], held: Sequence[Claim]) -> None:
    every = {
        (one.task, other.task, code, what) for one in wanted for other in held for code, what in conflicts(one, other)
    }
    found = first_conflict(wanted, held)
    if found is None:
        assert every == set()
    else:
        assert (found.wanted, found.held, found.code, found.what) in every


@given(CLAIMS, CLAIMS)
def test_who_is_in_whose_way_does_not_depend_on_who_comes_first(wanted: Sequence[Claim], held: Sequence[Claim]) -> None:
    assert (first_conflict(wanted, held) is None) == (first_conflict(held, wanted) is None)


@given(CLAIMS, CLAIMS)
def test_who_only_relies_is_in_nobody_s_way_who_only_reads(wanted: Sequence[Claim], held: Sequence[Claim]) -> None:
    assert first_conflict(map(relying, wanted), map(relying, held)) is None


WAITS = st.lists(st.tuples(st.lists(st.sampled_from("abcd"), max_size=2), st.sampled_from("abcd")), max_size=4)


@given(st.sets(st.sampled_from("abcd"), min_size=1), st.sampled_from("abcd"), WAITS)
def test_who_waits_for_who_waits_for_them_is_told_so(
    inside: set[str], held_by: str, others: list[tuple[list[str], str]]
) -> None:
    # All ways to go from run to run, each at most once.
    paths = [[held_by]]
    ends = set()
    while paths:
        path = paths.pop()
        ends.add(path[-1])
        paths += [[*path, run] for runs, run in others if path[-1] in runs and run not in path]
    assert waits_for_itself(inside, held_by, others) == bool(ends & inside)


def test_what_a_task_takes_is_what_it_declares_but_for_what_any_number_may_share() -> None:
    task = Task(
        "t",
        inputs=("src/", ".cache/a"),
        excluded=("src/x",),
        tools=("bin/cc",),
        outputs=("out/t", ".cache/b"),
        modifies=("db",),
        depfile="out/t.d",
        mutex=("m",),
    )
    shared = claim_of(task, (".cache/",))
    assert shared == Claim("t", ("src/",), ("src/x",), ("bin/cc",), ("out/t", "db", "out/t.d"), ("m",))
    assert relying(shared) == Claim("t", ("src/",), ("src/x",), ("bin/cc", "out/t", "db", "out/t.d"), relied=True)
    assert claim_of(Task("t", service=Service(), inputs=("src/",))) == Claim("t")
    assert claim_of(Task("t")) == Claim("t")


def test_tens_of_thousands_of_tasks_on_either_side_are_compared_in_moments() -> None:
    def many(side: str) -> list[Claim]:
        return [
            Claim(f"{side}{n}", (f"src/{side}/{n % 100}/*.c", "common.h", f"{side}/**"), (), (), (f"{side}/out/{n}",))
            for n in range(30_000)
        ]

    one, other = many("a"), many("b")
    start = perf_counter()
    assert first_conflict(one, other) is None
    assert perf_counter() - start < 10
    found = first_conflict([*one, Claim("late", writes=("b/out/27777",))], other)
    assert found is not None
    assert (found.wanted, found.code) == ("late", "write-write")
