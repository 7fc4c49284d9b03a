"""The one stream: everything that happens in a run, as a closed union of values.

Knows the events of the contract and their fields. Does not know who writes or reads them.
Encoded as JSON objects with a ``type``; fields are only ever added.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Outcome = Literal["passed", "up_to_date", "restored", "failed", "skipped", "blocked", "cancelled"]
RecoveryOutcome = Literal["tried", "escalated", "no_help", "cancelled"]
RunOutcome = Literal["passed", "up_to_date", "failed", "waiting", "cancelled", "interrupted"]


# Codes that say that a task cannot be run as things are.
CANNOT_RUN = frozenset(
    "input-missing input-unreadable tool-missing tool-unreadable no-match name-not-utf8 blocked-by no-program".split()
)
# Those of them that say that something is not there, which may be once others have run.
NOT_THERE = frozenset({"input-missing", "tool-missing", "no-match"})
# Codes of tasks that are skipped because the manifest does not want them here and now: no failure.
UNWANTED = frozenset({"condition-false", "other-platform"})
# Codes of tasks for which nothing would be executed.
IDLE = CANNOT_RUN | UNWANTED | {"unchanged", "group", "prose"}


class FreshnessReason(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a task runs, or why it does not: a code, and the file, variable or task it is about.

    ``detail``: what the system says of it (``Permission denied``).
    """

    code: str
    subject: str = ""
    detail: str = ""


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """``seq`` counts from 1 in a run; ``time`` is RFC 3339 in UTC; both are set by the stream."""

    seq: int = 0
    time: str = ""
    run: str = ""


class PlannedWave(msgspec.Struct, frozen=True):
    """A wave as a view needs it: number, name, tasks in manifest order, what it may run beside.

    ``beside``: as in the plan; of a wave in parts the first says it for all. ``settled``: how many further tasks it has that
    were known to be up to date before anything was looked at; no event tells of these.
    """

    number: int
    name: str
    tasks: tuple[str, ...]
    part: int = 1
    order: str = "parallel"
    after: tuple[int, ...] = ()
    beside: tuple[int, ...] = ()
    settled: int = 0


class PlannedRun(msgspec.Struct, frozen=True):
    """What the run set out to do: the plan, as much of it as a view must know. ``staying``: services that go on until they
    are ended, because they were asked for themselves."""

    task_count: int
    waves: tuple[PlannedWave, ...]
    schedule: str = "flow"
    jobs: int = 1
    staying: tuple[str, ...] = ()


class RunStarted(_Event, frozen=True, tag="run_started"):
    """The run begins; ``expected_ms`` has the last measured duration of tasks that have one.

    ``command`` was typed in ``folder`` (seen from the workspace root); ``withheld``: a secret in it is masked. ``digest``: of the
    manifest, empty where only a part of it was read. ``resumes``: the run that this one goes on with.
    """

    plan: PlannedRun
    command: tuple[str, ...] = ()
    pid: int = 0
    expected_ms: dict[str, int] = {}
    folder: str = ""
    withheld: bool = False
    digest: str = ""
    resumes: str | None = None


class WaveStarted(_Event, frozen=True, tag="wave_started"):
    """A wave's first task may start."""

    wave: int
    name: str
    tasks: int


class TaskStarted(_Event, frozen=True, tag="task_started"):
    """An attempt begins. Stored before the process exists, or where attempts follow each other quickly, 20 ms later at most,
    unless an earlier success could be taken for its end."""

    task: str
    attempt: int
    reason: FreshnessReason | None = None


class ServiceReady(_Event, frozen=True, tag="service_ready"):
    """A service that was started is ready for the tasks that need it; its end is told as any task's.

    ``started_in``: the run that started it, where that is an earlier one; then ``attempt`` is 0.
    """

    task: str
    attempt: int
    started_in: str | None = None


class ServiceStopped(_Event, frozen=True, tag="service_stopped"):
    """A service that was kept beyond its task's last state, in this run or an earlier one (``started_in``), is no more.

    ``reason``: why it was ended (``input-changed``: where it is needed, it is started anew; ``not-needed``, ``interrupted``), or
    how it ended by itself (``service-ended``). ``exit_status``, ``signal``, ``duration_ms`` and ``log`` are of all its time.
    """

    task: str
    reason: FreshnessReason
    started_in: str | None = None
    exit_status: int | None = None
    signal: int | None = None
    duration_ms: int = 0
    log: str | None = None


class TaskOutput(_Event, frozen=True, tag="task_output"):
    """Text that an attempt printed; never stored. Bytes that are no UTF-8 are lone surrogates in it (PEP 383)."""

    task: str
    attempt: int
    text: str


class TaskFinished(_Event, frozen=True, tag="task_finished"):
    """A task reached its last state. ``attempt`` is 0 for a task that was never started; ``log`` of one that was restored is
    what it printed when it ran, then or elsewhere.

    ``exit_status`` and ``signal`` are those of the last attempt. ``reason`` says why it was up to date, why one that is restored
    was not, why it failed without an exit status, was blocked (``subject`` names the task it waited for) or cancelled.
    ``warnings``: what is worth telling although it passed. ``finally_log``: what its ``finally`` printed, if anything.
    """

    task: str
    attempt: int
    outcome: Outcome
    exit_status: int | None = None
    signal: int | None = None
    duration_ms: int = 0
    log: str | None = None
    reason: FreshnessReason | None = None
    warnings: tuple[str, ...] = ()
    allowed: bool = False
    finally_log: str | None = None


class TaskRetried(_Event, frozen=True, tag="task_retried"):
    """An attempt failed and another follows after ``delay_ms``."""

    task: str
    attempt: int
    retries: int
    delay_ms: int
    exit_status: int | None = None
    signal: int | None = None
    duration_ms: int = 0
    log: str | None = None
    reason: FreshnessReason | None = None


class RecoveryStarted(_Event, frozen=True, tag="recovery_started"):
    """An attempt failed, and an agent is to mend what made it fail, in this ``round`` of at most ``rounds``; then it is tried
    again. ``task`` may be a verification, as in ``verify_started``."""

    task: str
    attempt: int
    round: int
    rounds: int
    exit_status: int | None = None
    signal: int | None = None
    duration_ms: int = 0
    log: str | None = None
    reason: FreshnessReason | None = None


class RecoveryFinished(_Event, frozen=True, tag="recovery_finished"):
    """The agent is gone. ``tried``: the task is tried again; ``escalated``: the agent wants a person to see to it, ``said`` why;
    ``no_help``: any other end, and ``error`` where it did not come to one by itself.

    ``exit_status`` and ``duration_ms`` are the agent's, ``said`` is its last line, ``log`` all that it printed. ``changed``:
    files that are other than before, or new, or gone, but for what tasks write that ran meanwhile; ``changed_more``: how many
    there are beyond those that are named. ``outdated``: tasks that were done, and read one of them.
    """

    task: str
    attempt: int
    round: int
    outcome: RecoveryOutcome
    exit_status: int | None = None
    duration_ms: int = 0
    said: str = ""
    error: str = ""
    log: str | None = None
    changed: tuple[str, ...] = ()
    changed_more: int = 0
    outdated: tuple[str, ...] = ()


class AttemptFailed(_Event, frozen=True, tag="attempt_failed"):
    """An attempt failed (``attempt`` 0: there could be none), and a person is to say what becomes of the task. The question
    comes when the rest of its wave has ended, and the task's end after the answer."""

    task: str
    attempt: int
    exit_status: int | None = None
    signal: int | None = None
    duration_ms: int = 0
    log: str | None = None
    reason: FreshnessReason | None = None


class QuestionAsked(_Event, frozen=True, tag="question_asked"):
    """A person is asked something about a task, and whoever answers first is heard: one of ``options``.

    ``id``: the run and the question's number in it (``41.1``). ``text``: what its ``confirm`` asks. Else it has failed, after
    so many ``retries``: ``exit_status``, ``signal``, ``duration_ms`` and ``reason`` say how, as of any end, and ``error`` is the
    last line of what it printed.
    """

    id: str
    task: str
    options: tuple[str, ...]
    text: str = ""
    retries: int = 0
    exit_status: int | None = None
    signal: int | None = None
    duration_ms: int = 0
    reason: FreshnessReason | None = None
    error: str = ""


class QuestionAnswered(_Event, frozen=True, tag="question_answered"):
    """The answer to a question: one of its options, or None where the run ended before anybody gave one."""

    id: str
    task: str
    answer: str | None


class WaveFinished(_Event, frozen=True, tag="wave_finished"):
    """All of a wave's tasks have their last state. ``passed`` counts passed, up to date and restored."""

    wave: int
    name: str
    tasks: int
    passed: int


class VerifyStarted(_Event, frozen=True, tag="verify_started"):
    """It is looked whether all is well after the wave of this number and name (0 and empty: at the end of a run in flow).
    ``task``: what logs, output and questions are named by, which is no task of the manifest (``verify backend``)."""

    task: str
    wave: int
    name: str
    attempt: int
    reason: FreshnessReason | None = None


class VerifyFinished(_Event, frozen=True, tag="verify_finished"):
    """What that came to, as of any task. ``up_to_date``: nothing of the wave ran since it was well; ``skipped``: something of the
    wave failed, or a person would not wait for it; then ``attempt`` may be 0."""

    task: str
    wave: int
    name: str
    attempt: int
    outcome: Outcome
    exit_status: int | None = None
    signal: int | None = None
    duration_ms: int = 0
    log: str | None = None
    reason: FreshnessReason | None = None
    warnings: tuple[str, ...] = ()


class CheckpointReached(_Event, frozen=True, tag="checkpoint_reached"):
    """A wave has ended behind which a person is to look. ``waits``: nothing behind it runs until somebody lets it, who is asked
    if there is anybody. ``task``: as in a question about it."""

    task: str
    wave: int
    name: str
    waits: bool


class RunFinished(_Event, frozen=True, tag="run_finished"):
    """The run's end. ``counts`` has every outcome that occurred, and of those ``allowed``: the failed that may fail,
    ``groups``: the passed that ran nothing themselves, and ``unwanted``: the skipped that failed nobody."""

    outcome: RunOutcome
    exit_code: int
    duration_ms: int
    counts: dict[str, int]
    first_failure: str | None = None
    signal: int | None = None


Event = (
    RunStarted
    | WaveStarted
    | TaskStarted
    | ServiceReady
    | ServiceStopped
    | TaskOutput
    | TaskFinished
    | TaskRetried
    | RecoveryStarted
    | RecoveryFinished
    | AttemptFailed
    | QuestionAsked
    | QuestionAnswered
    | WaveFinished
    | VerifyStarted
    | VerifyFinished
    | CheckpointReached
    | RunFinished
)
