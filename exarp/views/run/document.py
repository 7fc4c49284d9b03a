"""``run --json``: a finished run as the one document of the contract.

Knows the document's fields. Does not know streams; the end of the first failure's output is read through a callable.
"""

from __future__ import annotations

from exarp.model.event import Event, RunStarted, TaskFinished, TaskStarted
from exarp.views.json_line import json_line
from exarp.views.run.fold import RunState
from exarp.views.run.follower import Follower
from exarp.views.run.last_words import tail
from exarp.views.run.task_output import ReadLog


class RunDocument(Follower):
    """Folds events; ``document`` gives it at any time (of an unfinished run its outcome is null)."""

    def __init__(self, read_log: ReadLog) -> None:
        self._read_log = read_log
        self._state = RunState()
        self._finished: dict[str, TaskFinished] = {}
        self._started_for: dict[str, str] = {}
        self._order: list[str] = []

    def on_event(self, event: Event) -> None:
        """Folds one event."""
        self._state.apply(event)
        if isinstance(event, RunStarted):
            self._order = [task for wave in event.plan.waves for task in wave.tasks]
        elif isinstance(event, TaskStarted) and event.reason is not None:
            self._started_for[event.task] = event.reason.code
        elif isinstance(event, TaskFinished):
            self._finished[event.task] = event

    def document(self) -> bytes:
        """The document, one line. Tasks come in the order of the plan, those it does not know last."""
        end = self._state.finished
        return json_line(
            {
                "version": 1,
                "run": end.run if end else self._state.run,
                "outcome": end.outcome if end else None,
                "exit_code": end.exit_code if end else None,
                "duration_ms": end.duration_ms if end else None,
                "counts": end.counts if end else {},
                "tasks": [self._task(self._finished[task]) for task in self._in_order()],
                "first_failure": self._first_failure(),
                "question": self._question(),
            }
        )

    def _in_order(self) -> list[str]:
        planned = dict.fromkeys([*self._order, *self._finished])
        return [task for task in planned if task in self._finished]

    def _task(self, event: TaskFinished) -> dict[str, object]:
        reason = event.reason.code if event.reason is not None else self._started_for.get(event.task)
        return {
            "task": event.task,
            "wave": self._state.wave_of(event.task) or None,
            "outcome": event.outcome,
            "reason": reason,
            "attempts": event.attempt,
            "exit_status": event.exit_status,
            "signal": event.signal,
            "duration_ms": event.duration_ms,
            "log": event.log,
            "finally_log": event.finally_log,
        }

    def _question(self) -> dict[str, object] | None:
        """What was still open in the end."""
        for question in self._state.questions.values():
            return {"id": question.id, "task": question.task, "options": question.options}
        return None

    def _first_failure(self) -> dict[str, str] | None:
        failure = self._state.first_failure
        if failure is None:
            return None
        return {"task": failure.task, "tail": self._tail(failure)}

    def _tail(self, failure: TaskFinished) -> str:
        if failure.log is None:
            return ""
        try:
            return tail(self._read_log(failure.log))
        except OSError:
            return ""  # the log's path is in the document; whoever wants it will find out why
