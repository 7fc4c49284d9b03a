"""Which artifact is used, and which make way: against rules said plainly again."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from exarp.model.artifact import Artifact
from exarp.model.task import Task
from exarp.planning.artifacts import (
    MOST_VARIANTS,
    NOT_KEPT,
    Holding,
    artifact_key,
    evicted,
    fitting,
    why_not_kept,
    with_variant,
)
from exarp.planning.freshness import Record

DIGEST = st.sampled_from([b"", b"1", b"2"])
FILES = st.dictionaries(st.sampled_from(["a.h", "b.h", "/usr/c.h"]), DIGEST, max_size=3)
RECORDS = st.builds(
    Record,
    recipe=DIGEST,
    inputs=FILES,
    found=FILES,
    outputs=FILES,
    needs=st.dictionaries(st.sampled_from(["t", "u"]), DIGEST, max_size=2),
)


@given(RECORDS, RECORDS)
def test_a_key_is_that_of_all_that_is_known_before_a_task_runs(one: Record, other: Record) -> None:
    def matter(record: Record) -> object:
        return record.recipe, record.inputs, sorted(record.needs.values())

    def key(record: Record, platform: str = "linux") -> bytes:
        return artifact_key(record, tuple(record.needs.values()), platform)

    assert (key(one) == key(other)) == (matter(one) == matter(other))
    assert key(one) != key(one, "darwin")


def variants(found: dict[str, bytes], number: int) -> Artifact:
    return Artifact({"out": bytes([number])}, found, needs=of_needs(found))


def of_needs(found: Mapping[str, bytes]) -> tuple[bytes, ...]:
    """What needs contribute may depend on what is read."""
    return () if "a.h" in found else (b"need",)


@given(st.lists(FILES, max_size=2 * MOST_VARIANTS), FILES)
def test_the_newest_variant_that_fits_is_used(made: list[dict[str, bytes]], now: dict[str, bytes]) -> None:
    kept: tuple[Artifact, ...] = ()
    for number, found in enumerate(made):
        kept = with_variant(kept, variants(found, number))
    hit = fitting(kept, lambda path: now.get(path, b"?"), of_needs)
    assert fitting(kept, lambda path: now.get(path, b"?"), lambda found: (b"other",)) is None
    fits = [n for n, found in enumerate(made) if all(now.get(path, b"?") == digest for path, digest in found.items())]
    distinct = {tuple(sorted(found.items())) for found in made}
    if len(distinct) <= MOST_VARIANTS:
        assert (hit.outputs["out"][0] if hit else None) == (fits[-1] if fits else None)
    assert len(kept) == min(len(distinct), MOST_VARIANTS)
    assert not made or kept[0] == variants(made[-1], len(made) - 1)


HOLDINGS = st.lists(
    st.builds(
        Holding,
        st.uuids().map(str),
        st.integers(0, 5).map(float),
        st.integers(1, 9),
        st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), max_size=3),
    ),
    max_size=8,
)


@given(
    HOLDINGS, st.dictionaries(st.sampled_from([b"a", b"b", b"c", b"d", b"e"]), st.integers(1, 99)), st.integers(0, 400)
)
def test_what_was_least_recently_used_makes_way(holdings: list[Holding], sizes: dict[bytes, int], limit: int) -> None:
    def total(kept: list[Holding]) -> int:
        blobs = {blob for holding in kept for blob in holding.blobs}
        return sum(holding.size for holding in kept) + sum(sizes.get(blob, 0) for blob in blobs)

    gone, idle = evicted(holdings, sizes, limit)
    ordered = sorted(holdings, key=lambda holding: (holding.used, holding.name))
    assert gone == [holding.name for holding in ordered[: len(gone)]]
    kept = ordered[len(gone) :]
    # No more goes than must: only a store that is too large loses anything, and it would still be too full with one more.
    assert gone == [] if total(holdings) <= limit else total(kept) <= limit * 0.8 or not kept
    assert not gone or total(ordered[len(gone) - 1 :]) > limit * 0.8
    assert idle == sizes.keys() - {blob for holding in kept for blob in holding.blobs}


def test_what_acts_on_the_world_is_not_kept() -> None:
    sound = Task("t", commands=("cc",), inputs=("in",), outputs=("out",))
    assert why_not_kept(sound) == ""
    check = Task("t", commands=("test",), inputs=("in",))
    assert why_not_kept(check) == ""
    fields: dict[str, dict[str, object]] = {
        "cache-off": {"cache": False},
        "undeclared": {"inputs": None},
        "modifies": {"modifies": ("src/a",)},
        "interactive": {"interactive": True},
        "daemon": {"daemon": True},
        "confirmed": {"confirm": True},
        "manual": {"manual": True, "outputs": ()},
        "prompt": {"prompt": "do it", "outputs": ()},
        "runs-nothing": {"commands": ()},
    }
    assert fields.keys() == NOT_KEPT.keys()
    from msgspec.structs import replace

    for code, changed in fields.items():
        assert why_not_kept(replace(sound, **changed)) == code
    assert why_not_kept(replace(sound, manual=True)) == ""
    assert why_not_kept(replace(sound, manual=True, outputs=None, cache=True)) == ""
