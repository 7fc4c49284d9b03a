"""``status --json``, ``history --json`` and ``log --json``: runs and attempts as one document.

Knows the fields; they are those of the rows, and of a run that is going on how far it has come. Does not read the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from exarp.views.history.questions import question_fields
from exarp.views.json_line import json_line
from exarp.views.run.fold import RunState


def runs_document(rows: Sequence[msgspec.Struct]) -> bytes:
    """Runs, newest first."""
    return json_line({"version": 1, "runs": [msgspec.to_builtins(row) for row in rows]})


class StandingLike(Protocol):
    """A service that is up between runs, since which run, and who keeps it."""

    @property
    def task(self) -> str: ...
    @property
    def run(self) -> str: ...
    @property
    def holder(self) -> str: ...


def status_document(row: msgspec.Struct | None, state: RunState | None, standing: Sequence[StandingLike] = ()) -> bytes:
    """The newest run; of one that is going on (``state``: the fold of its events) also how far it has come; and what stands."""
    up = [{"task": each.task, "run": each.run, "holder": each.holder} for each in standing]
    if row is None:
        return json_line({"version": 1, "runs": [], "standing": up})
    fields = msgspec.to_builtins(row)
    if state is not None:
        running = [{"task": it.task, "attempt": it.attempt, "since": _time(it.since)} for it in state.running.values()]
        questions = [question_fields(question) for question in state.questions.values()]
        fields |= {"total": state.total, "done": state.tally.done, "running": running, "questions": questions}
    return json_line({"version": 1, "runs": [fields], "standing": up})


def _time(since: float) -> str:
    return datetime.fromtimestamp(since, UTC).isoformat().replace("+00:00", "Z")


def attempts_document(rows: Sequence[msgspec.Struct]) -> bytes:
    """Attempts of one task, newest first."""
    return json_line({"version": 1, "attempts": [msgspec.to_builtins(row) for row in rows]})


def log_document(row: msgspec.Struct, printed: bytes) -> bytes:
    """An attempt with what it printed; bytes that are no UTF-8 become replacement characters."""
    attempt = msgspec.to_builtins(row) | {"output": printed.decode("utf-8", "replace")}
    return json_line({"version": 1, "attempt": attempt})
