"""What a reader sees of verifications, checkpoints and the agent: nothing where all is well, and enough where it is not."""

from __future__ import annotations

import pytest

from exarp.model.event import (
    CheckpointReached,
    FreshnessReason,
    PlannedRun,
    PlannedWave,
    QuestionAnswered,
    QuestionAsked,
    RecoveryFinished,
    RecoveryStarted,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskStarted,
    VerifyFinished,
    VerifyStarted,
    WaveFinished,
    WaveStarted,
)
from exarp.views import words
from exarp.views.run.console import Console
from exarp.views.run.fold import RunState
from exarp.views.run.manner import Manner
from tests.views.runs import Apart

PLAN = PlannedRun(2, (PlannedWave(1, "one", ("a",)), PlannedWave(2, "two", ("b",))), jobs=2)
LOGS = {"verify.log": b"it is \x1b[2Jbroken\n", "a.log": b"no\n"}


def wave(number: int, name: str, task: str, *inside: object) -> list[object]:
    return [
        WaveStarted(wave=number, name=name, tasks=1),
        TaskStarted(task=task, attempt=1, reason=FreshnessReason("never-ran")),
        *inside,
        TaskFinished(task=task, attempt=1, outcome="passed", duration_ms=100),
        WaveFinished(wave=number, name=name, tasks=1, passed=1),
    ]


def verified(outcome: str, attempt: int = 1, **fields: object) -> list[object]:
    started = [VerifyStarted(task="verify one", wave=1, name="one", attempt=1)] if attempt else []
    finished = VerifyFinished(
        task="verify one",
        wave=1,
        name="one",
        attempt=attempt,
        outcome=outcome,
        duration_ms=200,
        **fields,  # type: ignore[arg-type]
    )
    return [*started, finished]


def ended(outcome: str = "passed", code: int = 0, **fields: object) -> RunFinished:
    return RunFinished(run="7", outcome=outcome, exit_code=code, duration_ms=1000, counts={}, **fields)  # type: ignore[arg-type]


def told(*events: object, manner: Manner = Manner()) -> str:  # noqa: B008  a Manner is frozen
    streams = Apart()
    with Console(streams.stdout, streams.stderr, manner, LOGS.__getitem__) as console:
        for event in (RunStarted(run="7", plan=PLAN), *events):
            console.on_event(event)  # type: ignore[arg-type]
    return streams.words


def state(*events: object) -> RunState:
    found = RunState()
    for event in (RunStarted(run="7", plan=PLAN), *events):
        found.apply(event)  # type: ignore[arg-type]
    return found


def test_a_verification_that_goes_well_is_told_to_who_wants_to_know_all():
    events = [*wave(1, "one", "a"), *verified("passed"), *wave(2, "two", "b"), ended()]
    assert "verify" not in told(*events)
    assert "ok    verify one (0.2s)\n" in told(*events, manner=Manner(verbosity=1))
    assert state(*wave(1, "one", "a"), verified("passed")[0]).running.keys() == {"verify one"}
    assert not state(*events[:-1]).running


def test_one_that_fails_is_the_failure_that_the_end_is_about_and_its_output_does_nothing_to_the_terminal():
    blocked = TaskFinished(task="b", attempt=0, outcome="blocked", reason=FreshnessReason("blocked-by", "verify one"))
    failure = verified("failed", exit_status=3, log="verify.log")
    shown = told(*wave(1, "one", "a"), *failure, blocked, ended("failed", 1, first_failure="verify one"))

    assert "FAIL  verify one (0.2s)  exit 3\n" in shown
    assert shown.endswith(
        "first failure: verify one, exit 3, 0.2s\n  it is broken\nblocked by it: b\n"
        "log: exarp log 'verify one'      again: exarp resume\n"
    ), shown


def test_one_that_was_skipped_after_a_failure_is_said_to_be():
    events = [*wave(1, "one", "a"), *verified("skipped", 0, reason=FreshnessReason("wave-failed", "one"))]

    assert "skip  verify one  something failed in one\n" in told(*events)
    assert "verify" not in told(*events, manner=Manner(verbosity=-1))
    assert state(*events).failures == []


def test_the_end_at_a_checkpoint_says_what_waits_and_how_to_go_on():
    held = TaskFinished(task="b", attempt=0, outcome="blocked", reason=FreshnessReason("checkpoint", "one"))
    reached = CheckpointReached(task="checkpoint one", wave=1, name="one", waits=True)
    events = [*wave(1, "one", "a"), reached, held, ended("waiting", 4)]

    end = "\ncheckpoint: after wave one\nwaiting behind it: b\ngo on: exarp resume\n"
    assert told(*events).endswith(end)
    assert told(*events, manner=Manner(verbosity=-1)).endswith(end)


def test_a_checkpoint_that_somebody_lets_pass_is_none_any_more():
    asked = QuestionAsked(id="7.1", task="checkpoint one", options=("continue", "stop"))
    reached = CheckpointReached(task="checkpoint one", wave=1, name="one", waits=True)
    answered = QuestionAnswered(id="7.1", task="checkpoint one", answer="continue")

    assert words.question(asked) == "Checkpoint one: Continue / Stop?"
    assert state(reached, asked).checkpoints.keys() == {"checkpoint one"}
    assert not state(reached, asked, answered).checkpoints
    assert not state(CheckpointReached(task="checkpoint one", wave=1, name="one", waits=False)).checkpoints


def test_a_question_about_a_verification_names_it():
    asked = QuestionAsked(id="7.1", task="verify one", options=("debug", "abort"), error="it is broken", exit_status=3)
    assert words.question(asked) == "verify one failed: it is broken. Debug / Abort?"


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"outcome": "tried", "exit_status": 0, "said": "wrote it"}, "tried a (2.0s)  wrote it\n"),
        (
            {"outcome": "tried", "exit_status": 0, "changed": ("x", "y"), "changed_more": 4},
            "tried a (2.0s)  changed x, y and 4 more\n",
        ),
        ({"outcome": "no_help", "exit_status": 7}, "mend  a (2.0s)  no help from recovery: exit 7\n"),
        ({"outcome": "no_help", "error": "ended"}, "mend  a (2.0s)  no help from recovery: ended\n"),
        ({"outcome": "escalated", "said": "no\x1b[2J key"}, "mend  a (2.0s)  escalated: no"),
        ({"outcome": "escalated"}, "mend  a (2.0s)  escalated\n"),
        ({"outcome": "cancelled"}, "stop  a (2.0s)  recovery ended\n"),
    ],
)
def test_a_line_when_the_agent_is_sent_and_one_when_it_is_gone(fields, line):
    sent = RecoveryStarted(task="a", attempt=1, round=1, rounds=3, exit_status=1, duration_ms=100, log="a.log")
    gone = RecoveryFinished(task="a", attempt=1, round=1, duration_ms=2000, **fields)
    shown = told(*wave(1, "one", "a", sent, gone))

    assert "mend  a (0.1s)  exit 1, recovery 1 of 3\n" in shown
    assert line in shown
    assert "\x1b" not in shown
    assert "mend" not in told(*wave(1, "one", "a", sent, gone), manner=Manner(verbosity=-1))
    assert state(*wave(1, "one", "a", sent)[:3]).running.keys() == {"recover a"}
    assert not state(*wave(1, "one", "a", sent, gone)).running


def test_who_had_read_what_the_agent_changed_is_named():
    gone = RecoveryFinished(task="a", attempt=1, round=1, outcome="tried", outdated=("b", "c"))
    assert "note: what was changed had been read by b, c: the next run looks at it again\n" in told(gone)
