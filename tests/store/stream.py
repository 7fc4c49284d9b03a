"""Events and processes the store's tests are made of."""

from __future__ import annotations

import os
import subprocess
import sys

from hypothesis import strategies as st

import exarp
from exarp.model.event import (
    AttemptFailed,
    CheckpointReached,
    Event,
    FreshnessReason,
    PlannedRun,
    PlannedWave,
    QuestionAnswered,
    QuestionAsked,
    RecoveryFinished,
    RecoveryStarted,
    RunFinished,
    RunStarted,
    ServiceReady,
    ServiceStopped,
    TaskFinished,
    TaskOutput,
    TaskRetried,
    TaskStarted,
    VerifyFinished,
    VerifyStarted,
    WaveFinished,
    WaveStarted,
)

_SOURCES = os.path.dirname(os.path.dirname(exarp.__file__))
NOON = "2026-07-01T12:00:00.000Z"


def started(run: str, *, pid: int = 7, seq: int = 1) -> RunStarted:
    plan = PlannedRun(task_count=1, waves=(PlannedWave(1, "one", ("a",)),))
    return RunStarted(run=run, seq=seq, time=NOON, plan=plan, command=("exarp", "run", "a b"), pid=pid)


def finished(run: str, seq: int) -> RunFinished:
    return RunFinished(
        run=run,
        seq=seq,
        time="2026-07-01T12:00:09.000Z",
        outcome="failed",
        exit_code=1,
        duration_ms=9000,
        counts={"passed": 3, "failed": 1},
        first_failure="a",
    )


def task_started(run: str, seq: int, task: str = "a", attempt: int = 1) -> TaskStarted:
    reason = FreshnessReason("input-changed", "src/a.c")
    return TaskStarted(run=run, seq=seq, time=f"start-{seq}", task=task, attempt=attempt, reason=reason)


def task_finished(run: str, seq: int, task: str = "a", attempt: int = 1) -> TaskFinished:
    log = f".exarp/logs/{run}/{task}.{attempt}.log"
    return TaskFinished(
        run=run, seq=seq, time=f"end-{seq}", task=task, attempt=attempt, outcome="passed", duration_ms=40 + seq, log=log
    )


def python(script: str, *arguments: str) -> subprocess.Popen[str]:
    """A second Python that talks through its pipes; the caller ends it with ``with``."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="surrogateescape",
        env={**os.environ, "PYTHONPATH": os.pathsep.join([_SOURCES, *sys.path])},
    )


def said(process: subprocess.Popen[str]) -> str:
    """The next line the process prints; it waits for it, and shows the traceback of a process that failed."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise AssertionError(process.communicate()[1])
    return line.rstrip("\n")


def tell(process: subprocess.Popen[str]) -> None:
    """Let a process go on that waits for a line."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


# What `os.fsdecode` can give: any text, and lone surrogates for bytes that are not UTF-8.
HOSTILE = st.one_of(
    st.binary(max_size=20).map(os.fsdecode),
    st.text(max_size=20),
    st.sampled_from(["", "'; DROP TABLE event; --", '"', "a\x00b", "%s?:x", "ﬁ\u0301", "../..", "\udcff'"]),
)
_COUNT = st.integers(0, 2**31)
_EXIT = st.none() | st.integers(-(2**31), 2**31)
_REASON = st.none() | st.builds(FreshnessReason, code=HOSTILE, subject=HOSTILE)
_NAMES = st.lists(HOSTILE, max_size=3).map(tuple)
_COUNTS = st.dictionaries(HOSTILE, _COUNT, max_size=3)
_WAVE = st.builds(PlannedWave, number=_COUNT, name=HOSTILE, tasks=_NAMES, after=st.lists(_COUNT, max_size=2).map(tuple))
_PLAN = st.builds(PlannedRun, task_count=_COUNT, waves=st.lists(_WAVE, max_size=2).map(tuple), jobs=_COUNT)
_ENDED = {
    "task": HOSTILE,
    "attempt": _COUNT,
    "exit_status": _EXIT,
    "signal": _EXIT,
    "duration_ms": _COUNT,
    "log": st.none() | HOSTILE,
    "reason": _REASON,
}
_STOPPED = {key: kind for key, kind in _ENDED.items() if key != "attempt"} | {"reason": _REASON.filter(bool)}


def events_of(run: str, seq: int) -> st.SearchStrategy[Event]:
    """Any stored event but the first and the last of a run."""
    head = {"run": st.just(run), "seq": st.just(seq), "time": HOSTILE}
    return st.one_of(
        st.builds(WaveStarted, **head, wave=_COUNT, name=HOSTILE, tasks=_COUNT),
        st.builds(TaskStarted, **head, task=HOSTILE, attempt=_COUNT, reason=_REASON),
        st.builds(ServiceStopped, **head, **_STOPPED, started_in=st.none() | HOSTILE),
        st.builds(
            TaskFinished,
            **head,
            **_ENDED,
            outcome=st.sampled_from(["passed", "up_to_date", "restored", "failed", "skipped", "blocked", "cancelled"]),
            warnings=_NAMES,
            allowed=st.booleans(),
        ),
        st.builds(TaskRetried, **head, **_ENDED, retries=_COUNT, delay_ms=_COUNT),
        st.builds(AttemptFailed, **head, **_ENDED),
        st.builds(RecoveryStarted, **head, **_ENDED, round=_COUNT, rounds=_COUNT),
        st.builds(
            RecoveryFinished,
            **head,
            **{key: kind for key, kind in _ENDED.items() if key not in ("signal", "reason")},
            round=_COUNT,
            outcome=st.sampled_from(["tried", "escalated", "no_help", "cancelled"]),
            said=HOSTILE,
            error=HOSTILE,
            changed=_NAMES,
            changed_more=_COUNT,
            outdated=_NAMES,
        ),
        st.builds(VerifyStarted, **head, task=HOSTILE, wave=_COUNT, name=HOSTILE, attempt=_COUNT, reason=_REASON),
        st.builds(
            VerifyFinished,
            **head,
            **_ENDED,
            wave=_COUNT,
            name=HOSTILE,
            outcome=st.sampled_from(["passed", "up_to_date", "failed", "skipped", "cancelled"]),
            warnings=_NAMES,
        ),
        st.builds(CheckpointReached, **head, task=HOSTILE, wave=_COUNT, name=HOSTILE, waits=st.booleans()),
        st.builds(
            QuestionAsked, **head, id=HOSTILE, task=HOSTILE, options=_NAMES, text=HOSTILE, error=HOSTILE, retries=_COUNT
        ),
        st.builds(QuestionAnswered, **head, id=HOSTILE, task=HOSTILE, answer=st.none() | HOSTILE),
        st.builds(ServiceReady, **head, task=HOSTILE, attempt=_COUNT, started_in=st.none() | HOSTILE),
        st.builds(WaveFinished, **head, wave=_COUNT, name=HOSTILE, tasks=_COUNT, passed=_COUNT),
    )


def runs_of(run: str) -> st.SearchStrategy[tuple[RunStarted, RunFinished]]:
    """Any first and last event of a run."""
    first = st.builds(
        RunStarted,
        run=st.just(run),
        seq=st.just(1),
        time=HOSTILE.filter(lambda text: text.isprintable()),
        plan=_PLAN,
        command=_NAMES,
        pid=_COUNT,
        expected_ms=_COUNTS,
    )
    last = st.builds(
        RunFinished,
        run=st.just(run),
        seq=st.just(1000),
        time=st.just(NOON),
        outcome=st.sampled_from(["passed", "up_to_date", "failed", "cancelled", "interrupted"]),
        exit_code=_COUNT,
        duration_ms=_COUNT,
        counts=_COUNTS,
        first_failure=st.none() | HOSTILE,
        signal=_EXIT,
    )
    return st.tuples(first, last)


def output(run: str, seq: int) -> TaskOutput:
    return TaskOutput(run=run, seq=seq, time=NOON, task="a", attempt=1, text="secret text")
