"""A run to tell, small enough to write its telling down, and streams to tell it to."""

from __future__ import annotations

import io
from pathlib import Path

from exarp.model.event import (
    Event,
    FreshnessReason,
    PlannedRun,
    PlannedWave,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskOutput,
    TaskStarted,
    WaveFinished,
    WaveStarted,
)
from exarp.views.run.manner import Manner

PARSER_LOG = b"src/parser.c:88:14: error: 'tok' undeclared (first use in this function)\n"
LOGS = {"parser.log": PARSER_LOG, "lexer.log": b"lexer.c: a \x1b[33mwarning\x1b[0m\n", "bare.log": b"no end"}


def read_log(path: str) -> bytes:
    return LOGS[path]


def finished(task: str, outcome: str, attempt: int = 1, **fields: object) -> TaskFinished:
    return TaskFinished(task=task, attempt=attempt, outcome=outcome, **fields)  # type: ignore[arg-type]


def failed_run() -> list[Event]:
    """look.md's run: one compilation fails, the link is blocked by it, one task is up to date."""
    compiled = ("cc@src/lexer.c", "cc@src/parser.c", "cc@src/main.c")
    plan = PlannedRun(4, (PlannedWave(1, "wave 1", compiled), PlannedWave(2, "wave 2", ("link",))), jobs=2)
    changed = FreshnessReason("input-changed", "src/lexer.h")
    return [
        RunStarted(run="7", plan=plan, expected_ms=dict.fromkeys(compiled, 2000)),
        WaveStarted(wave=1, name="wave 1", tasks=3),
        finished("cc@src/main.c", "up_to_date", 0, reason=FreshnessReason("unchanged")),
        TaskStarted(task="cc@src/lexer.c", attempt=1, reason=changed),
        TaskStarted(task="cc@src/parser.c", attempt=1, reason=changed),
        TaskOutput(task="cc@src/parser.c", attempt=1, text=PARSER_LOG.decode()),
        finished("cc@src/lexer.c", "passed", exit_status=0, duration_ms=900),
        finished("cc@src/parser.c", "failed", exit_status=1, duration_ms=1200, log="parser.log"),
        WaveFinished(wave=1, name="wave 1", tasks=3, passed=2),
        WaveStarted(wave=2, name="wave 2", tasks=1),
        finished("link", "blocked", 0, reason=FreshnessReason("blocked-by", "cc@src/parser.c")),
        WaveFinished(wave=2, name="wave 2", tasks=1, passed=0),
        RunFinished(
            run="7",
            outcome="failed",
            exit_code=1,
            duration_ms=14_200,
            counts={"failed": 1, "blocked": 1, "passed": 1, "up_to_date": 1},
            first_failure="cc@src/parser.c",
        ),
    ]


def planned(*tasks: str, **fields: object) -> list[Event]:
    """The beginning of a run with one wave of these tasks."""
    plan = PlannedRun(len(tasks), (PlannedWave(1, "wave 1", tasks),), jobs=2)
    return [
        RunStarted(run="7", plan=plan, **fields),  # type: ignore[arg-type]
        WaveStarted(wave=1, name="wave 1", tasks=len(tasks)),
    ]


class Paper:
    """A pair of streams that end in one file, in the order in which they were flushed, as in ``2>&1``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "paper"
        self.stdout = self.path.open("ab")
        self.stderr = self.path.open("a", encoding="utf-8")

    def read(self) -> str:
        return self.path.read_bytes().decode("utf-8", "surrogateescape")

    def close(self) -> None:
        self.stdout.close()
        self.stderr.close()


class Apart:
    """A pair of streams in memory: each can be read alone."""

    def __init__(self) -> None:
        self.stdout = io.BytesIO()
        self.stderr = io.StringIO()

    @property
    def output(self) -> bytes:
        return self.stdout.getvalue()

    @property
    def words(self) -> str:
        return self.stderr.getvalue()


TERMINAL = Manner(terminal=True)
