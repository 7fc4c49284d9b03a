"""Random runs as streams of events: what an engine would tell, without an engine."""

from __future__ import annotations

import random
from collections import Counter

from exarp.model.event import (
    Event,
    FreshnessReason,
    PlannedRun,
    PlannedWave,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskOutput,
    TaskRetried,
    TaskStarted,
    WaveFinished,
    WaveStarted,
)

LOG = b"compiling\nerror: no such thing\n"


class Simulator:
    """One random run; ``events`` are in the order in which they happened."""

    def __init__(self, seed: int, waves: int = 4, tasks: int = 6) -> None:
        self.random = random.Random(seed)
        self.events: list[Event] = []
        self.counts: Counter[str] = Counter()
        self.first_failure: str | None = None
        self.waves = [
            PlannedWave(number, f"wave {number}", tuple(f"t{number}.{i}" for i in range(self.random.randint(1, tasks))))
            for number in range(1, self.random.randint(1, waves) + 1)
        ]

    def run(self) -> list[Event]:
        names = [task for wave in self.waves for task in wave.tasks]
        expected = {task: self.random.randint(1, 5000) for task in names if self.random.random() < 0.7}
        self.events.append(
            RunStarted(run="r", plan=PlannedRun(len(names), tuple(self.waves), jobs=2), expected_ms=expected)
        )
        for wave in self.waves:
            self._wave(wave)
        bad = self.first_failure is not None
        outcome = "failed" if bad else "passed" if self.counts["passed"] else "up_to_date"
        self.events.append(
            RunFinished(
                run="r",
                outcome=outcome,
                exit_code=int(bad),
                duration_ms=1234,
                counts=dict(self.counts),
                first_failure=self.first_failure,
            )
        )
        return self.events

    def _wave(self, wave: PlannedWave) -> None:
        self.events.append(WaveStarted(wave=wave.number, name=wave.name, tasks=len(wave.tasks)))
        stories = [self._story(task) for task in wave.tasks]
        while stories:  # tasks of a wave overlap
            story = self.random.choice(stories)
            self._happen(story.pop(0))
            stories = [left for left in stories if left]
        passed = sum(
            isinstance(event, TaskFinished)
            and event.task in wave.tasks
            and event.outcome in ("passed", "up_to_date", "restored")
            for event in self.events
        )
        self.events.append(WaveFinished(wave=wave.number, name=wave.name, tasks=len(wave.tasks), passed=passed))

    def _happen(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, TaskFinished) and event.outcome in ("failed", "skipped"):
            self.first_failure = self.first_failure or event.task

    def _story(self, task: str) -> list[Event]:
        kind = self.random.choice(["passed", "failed", "up_to_date", "restored", "skipped", "blocked", "cancelled"])
        self.counts[kind] += 1
        if kind in ("up_to_date", "restored"):
            return [TaskFinished(task=task, attempt=0, outcome=kind, reason=FreshnessReason("unchanged"))]
        if kind == "blocked":
            by = FreshnessReason("blocked-by", self.first_failure or "t1.0")
            return [TaskFinished(task=task, attempt=0, outcome="blocked", reason=by)]
        story: list[Event] = []
        attempts = self.random.randint(1, 3)
        for attempt in range(1, attempts + 1):
            story.append(TaskStarted(task=task, attempt=attempt, reason=FreshnessReason("never-ran")))
            story += [TaskOutput(task=task, attempt=attempt, text="so far\nso go") for _ in range(attempt % 3)]
            if attempt < attempts:
                story.append(TaskRetried(task=task, attempt=attempt, retries=3, delay_ms=10, exit_status=1, log="log"))
        status = {"passed": 0, "failed": 1, "skipped": 1}.get(kind)
        end = TaskFinished(
            task=task,
            attempt=attempts,
            outcome=kind,
            exit_status=status,
            signal=None if status is not None else 15,
            duration_ms=self.random.randint(0, 9999),
            log=self.random.choice([None, "log"]),
            warnings=self.random.choice([(), ("left sleep running",)]),
        )
        return [*story, end]
