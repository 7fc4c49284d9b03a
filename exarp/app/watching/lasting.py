"""A run's part in what stands: which services it takes over, and which it leaves to the next one.

Knows what makes one go on as it is. Does not keep what stands between runs (``standing``), and decides nothing while the run
goes on (``engine.serving``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from exarp.app.freshness.checker import Checker
from exarp.app.opening.project import Project
from exarp.app.ports import LastingHost
from exarp.app.running.driver import Driver
from exarp.app.running.stream import Stream
from exarp.app.secrets import Secrets
from exarp.app.watching.lasting_driver import GoingOn, LastingDriver
from exarp.app.watching.standing import Kept, Standing
from exarp.engine.machine import Machine
from exarp.model.event import FreshnessReason
from exarp.planning.freshness import Record


class Lasting:
    """Of the run of that number. ``secrets``: as they are known when it begins."""

    def __init__(self, standing: Standing, project: Project, secrets: Secrets, run: str) -> None:
        self._standing = standing
        self._tasks = project.manifest.tasks
        self._secrets = secrets.parts
        self._run = run
        self._kept = standing.of(project)
        self._driver: LastingDriver | None = None

    @property
    def standing(self) -> dict[int, str]:
        """What stands, by task: the run that started it."""
        return {task: kept.run for task, kept in self._kept.items()}

    def host(self, make: Callable[[], LastingHost]) -> LastingHost:
        """The host of the run."""
        return self._standing.host(make)

    def begin(self, stream: Stream, checker: Checker) -> None:
        """Tell what has ended since the run before, and let it be known as what the others were started."""
        for event in self._standing.take_lost():
            stream.tell(event)
        checker.standing = {**checker.standing, **self._as_started()}

    def driver(self, *parts: Any) -> Driver:
        """As ``Driver`` is made."""
        self._driver = LastingDriver(*parts)
        self._driver.take_on(self._kept, self._standing.last_key)
        return self._driver

    def leave(self, host: LastingHost) -> tuple[str, ...]:
        """The run is over, or broke off: then nothing goes on. What had to be ended, as ``Host.close`` has it."""
        driver = self._driver
        if driver is None or not driver.machine.finished:
            return self._standing.leave(host, (), 0, ())
        if driver.machine.interrupted_by is not None:
            self._standing.interrupted_by = driver.machine.interrupted_by
        kept = [self._kept_now(service, driver) for service in driver.going_on()]
        lost = [
            stopped if stopped.started_in else msgspec.structs.replace(stopped, started_in=self._run)
            for stopped in driver.machine.belated
        ]
        return self._standing.leave(host, kept, driver.last_key, lost)

    @property
    def has_left(self) -> bool:
        """Whether anything that this run has started goes on."""
        return self._run in self._standing.runs

    def _as_started(self) -> Mapping[int, Record | FreshnessReason]:
        found: dict[int, Record | FreshnessReason] = {}
        for task, kept in self._kept.items():
            if kept.service != self._tasks[task].service:
                found[task] = FreshnessReason("recipe-changed", "service")
            elif self._tasks[task].cleanup:
                found[task] = FreshnessReason("recipe-changed", "finally")
            elif not set(self._secrets) <= set(kept.secrets):
                # What it prints is masked as it was known then.
                found[task] = FreshnessReason("recipe-changed", "secrets")
            else:
                found[task] = kept.record
        return found

    def _kept_now(self, going_on: GoingOn, driver: LastingDriver) -> Kept:
        machine: Machine = driver.machine
        uses = tuple([machine.plan.names[used] for used in machine.services.used.get(going_on.task, ())])
        before = self._kept.get(going_on.task)
        if before is not None and before.key == going_on.key:
            return msgspec.structs.replace(before, uses=uses)
        spec = self._tasks[going_on.task]
        assert spec.service is not None, "nothing else goes on"
        return Kept(
            task=spec.name,
            key=going_on.key,
            run=self._run,
            path=going_on.path,
            log=going_on.log,
            record=driver.checker.snapshots[going_on.task].now,
            service=spec.service,
            secrets=self._secrets,
            uses=uses,
        )
