"""What a run says of verifications, and of the agent that mends them."""

from __future__ import annotations

from exarp.model.event import (
    AttemptFailed,
    FreshnessReason,
    QuestionAnswered,
    QuestionAsked,
    RecoveryFinished,
    RecoveryStarted,
    VerifyFinished,
    VerifyStarted,
)
from exarp.views.run.console import Console
from exarp.views.run.manner import Manner
from tests.views.runs import Apart, planned, read_log


def said(events, manner=Manner()):  # noqa: B008  a Manner is frozen
    streams = Apart()
    with Console(streams.stdout, streams.stderr, manner, read_log) as console:
        for event in events:
            console.on_event(event)
    return streams.words


def verifying(attempt, *, reason=None):
    return VerifyStarted(task="verify build", wave=1, name="build", attempt=attempt, reason=reason)


def verified(outcome, attempt, **fields):
    return VerifyFinished(
        task="verify build", wave=1, name="build", attempt=attempt, outcome=outcome, duration_ms=100, **fields
    )


def test_a_verification_is_silent_unless_it_failed() -> None:
    assert said([*planned("cc"), verifying(1), verified("passed", 1)]) == ""
    assert said([*planned("cc"), verified("up_to_date", 0)]) == ""
    failed = said([*planned("cc"), verifying(1), verified("failed", 1, exit_status=1)])
    assert failed == "FAIL  verify build (0.1s)  exit 1\n"


def test_one_that_was_mended_says_that_it_is_well() -> None:
    mended = [
        *planned("cc"),
        verifying(1),
        RecoveryStarted(task="verify build", attempt=1, round=1, rounds=3, exit_status=1, duration_ms=100),
        RecoveryFinished(
            task="verify build", attempt=1, round=1, outcome="tried", said="a fix", changed=("a.c",), duration_ms=5000
        ),
        verifying(2, reason=FreshnessReason("mended")),
        verified("passed", 2),
    ]

    assert said(mended) == (
        "mend  verify build (0.1s)  exit 1, recovery 1 of 3\n"
        "tried verify build (5.0s)  a fix, changed a.c\n"
        "ok    verify build (0.1s)  mended\n"
    )
    assert said(mended, Manner(verbosity=-1)) == ""


def test_so_does_one_that_a_person_had_tried_again() -> None:
    failed = AttemptFailed(task="verify build", attempt=1, exit_status=1, duration_ms=100)
    asked = QuestionAsked(id="7.1", task="verify build", options=("debug", "retry", "abort"))
    answered = QuestionAnswered(id="7.1", task="verify build", answer="retry")
    again = [verifying(2, reason=FreshnessReason("retried")), verified("passed", 2)]

    assert said([*planned("cc"), verifying(1), failed, asked, answered, *again]) == (
        "FAIL  verify build (0.1s)  exit 1\nok    verify build (0.1s)  retried\n"
    )
