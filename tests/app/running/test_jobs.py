"""In which order looking at files is done, whatever comes when."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from exarp.app.running.jobs import QUICK, Job, Jobs, Keep
from exarp.engine.command import Check, Settle, Start
from exarp.model.event import FreshnessReason
from exarp.planning.freshness import Record

KINDS = ("urgent", "settle", "check", "keep")


def job(kind: str, number: int) -> Job:
    match kind:
        case "settle":
            return Settle(number)
        case "check":
            return Check(number, ahead=True)
        case "keep":
            return Keep(number, Record(b"", {}, {}, {}), None, 0, {}, False)
        case _:
            return Check(number) if number % 2 else Start(number, 2, FreshnessReason("retried"), 0.0)


def kind_of(job: Job) -> str:
    if isinstance(job, Check):
        return "check" if job.ahead else "urgent"
    return {Settle: "settle", Keep: "keep"}.get(type(job), "urgent")


def play(steps: Sequence[str | None]) -> list[tuple[Job, list[Job], bool]]:
    """Put one of a kind, or take one (None), until all are taken; with each that is taken what was there before, and whether a
    batch was over then."""
    jobs, there, taken = Jobs(), list[Job](), list[tuple[Job, list[Job], bool]]()
    for number, kind in enumerate([*steps, *([None] * len(steps))]):
        if kind is not None:
            there.append(job(kind, number))
            jobs.put(there[-1])
        elif there:
            between = jobs.is_between_batches
            one = jobs.take()
            taken.append((one, list(there), between))
            there.remove(one)
    assert not jobs
    assert not jobs.is_between_batches
    return taken


STEPS = st.lists(st.sampled_from((*KINDS, None, None)), max_size=60)


@given(STEPS)
def test_each_is_taken_once_and_those_that_a_slot_waits_for_first(steps: list[str | None]) -> None:
    taken = play(steps)
    assert len(taken) == sum(kind is not None for kind in steps)
    for one, there, _ in taken:
        urgent = [job for job in there if kind_of(job) == "urgent"]
        assert not urgent or one is urgent[0]


@given(STEPS)
def test_a_batch_is_all_that_was_there_when_it_began_settling_before_checks_before_keeping(
    steps: list[str | None],
) -> None:
    batch: list[Job] = []
    for one, there, between in play(steps):
        if kind_of(one) == "urgent":
            continue
        if not batch:
            batch = sorted(
                (job for job in there if kind_of(job) != "urgent"), key=lambda job: KINDS.index(kind_of(job))
            )
        else:
            assert not between
        # So none waits for more than one batch, however much comes behind it.
        assert one is batch.pop(0)


def test_those_that_are_to_be_settled_are_counted_wherever_they_are() -> None:
    jobs = Jobs()
    for number in range(3):
        jobs.put(Settle(number))
    jobs.put(Check(3, ahead=True))
    assert jobs.settling == 3
    jobs.current = jobs.take()
    jobs.put(Settle(4))
    assert jobs.settling == 4


def test_nothing_is_put_off_in_the_midst_of_a_batch() -> None:
    jobs = Jobs()
    jobs.ended(10.0)
    jobs.ended(10.001)
    jobs.put(Settle(1))
    jobs.put(Settle(2))
    assert jobs.may_wait(10.002)
    jobs.take()
    assert not jobs.may_wait(10.002)
    jobs.take()
    jobs.put(Settle(3))
    assert jobs.may_wait(10.003)
    assert not jobs.may_wait(10.003 + QUICK)
