"""``status --json``, ``history --json`` and ``log --json``: runs and attempts as one document.

Knows the fields; they are those of the rows, and of a run that is going on how far it has come. Does not read the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from exarp.views.history.questions import question_fields
from exarp.views.json_line import json_line
from exarp.views.run.fold import RunState


def runs_document(rows: Sequence[msgspec.Struct]) -> bytes:
    """Runs, newest first."""
    return json_line({"version": 1, "runs": [msgspec.to_builtins(row) for row in rows]})


class RunLike(Protocol):
    """A struct of a run."""

    @property
    def id(self) -> str: ...


class StandingLike(Protocol):
    """A service that is up between runs, since which run, and who keeps it."""

    @property
    def task(self) -> str: ...
    @property
    def run(self) -> str: ...
    @property
    def holder(self) -> str: ...


def status_document(
    rows: Sequence[RunLike], states: Mapping[str, RunState] = {}, standing: Sequence[StandingLike] = ()
) -> bytes:
    """The runs that go on, or else the newest; of those that go on (``states``: the folds of their events, by id) also how far
    they have come; and what stands."""
    up = [{"task": each.task, "run": each.run, "holder": each.holder} for each in standing]
    runs = []
    for row in rows:
        fields = msgspec.to_builtins(row)
        if (state := states.get(row.id)) is not None:
            running = [
                {"task": it.task, "attempt": it.attempt, "since": _time(it.since)} for it in state.running.values()
            ]
            questions = [question_fields(question) for question in state.questions.values()]
            fields |= {"total": state.total, "done": state.tally.done, "running": running, "questions": questions}
        runs.append(fields)
    return json_line({"version": 1, "runs": runs, "standing": up})


def _time(since: float) -> str:
    return datetime.fromtimestamp(since, UTC).isoformat().replace("+00:00", "Z")


def attempts_document(rows: Sequence[msgspec.Struct]) -> bytes:
    """Attempts of one task, newest first."""
    return json_line({"version": 1, "attempts": [msgspec.to_builtins(row) for row in rows]})


def log_document(row: msgspec.Struct, printed: bytes) -> bytes:
    """An attempt with what it printed; bytes that are no UTF-8 become replacement characters."""
    attempt = msgspec.to_builtins(row) | {"output": printed.decode("utf-8", "replace")}
    return json_line({"version": 1, "attempt": attempt})
