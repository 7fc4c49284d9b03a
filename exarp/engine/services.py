"""Who uses which services, and which are under way.

Knows users and readiness. Does not know how a service is started or ended (``machine``).

A service passes its gate as soon as its turn has come: it is started when the first task that uses it is about to start, and
ended after the last. A task uses the services that it needs itself, or through groups.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from exarp.model.plan import Plan
from exarp.model.task import Task


class Services:
    """``asked``: tasks that were asked for by name; a service among them that no selected task uses stays until it is ended.

    ``used``: services by the task that uses them. ``open``: those whose turn has come and that have no end yet.
    """

    def __init__(self, plan: Plan, tasks: Sequence[Task], asked: Collection[int]) -> None:
        self.used: dict[int, tuple[int, ...]] = {}
        self.open: set[int] = set()
        self.staying: set[int] = set()
        # Told to end because nobody needs them any more.
        self.dismissed: set[int] = set()
        # Those that anybody uses, and those that were asked for: of others no run has any use.
        self.needed: set[int] = set()
        self._users_left: dict[int, int] = {}
        self._waiting: dict[int, list[int]] = {}
        selected = [task for wave in plan.waves for task in wave.tasks]
        if any(tasks[task].service is not None for task in selected):
            self._gather(plan, tasks, selected, asked)

    def _gather(self, plan: Plan, tasks: Sequence[Task], selected: Sequence[int], asked: Collection[int]) -> None:
        through: dict[int, tuple[int, ...]] = {}
        for task in selected:
            found = dict.fromkeys(service for need in plan.needs[task] for service in through.get(need, ()))
            if tasks[task].is_group:
                through[task] = tuple(found)
                continue
            if tasks[task].service is not None:
                through[task] = (task,)
                self._users_left[task] = 0
            if found:
                self.used[task] = tuple(found)
            for service in found:
                self._users_left[service] += 1
        named = [service for task in asked for service in through.get(task, ())]
        self.staying = {service for service in named if not self._users_left[service]}
        self.needed = self.staying.union(*self.used.values())

    @property
    def all(self) -> Collection[int]:
        """The selected services."""
        return self._users_left.keys()

    def is_wanted(self, service: int) -> bool:
        """Whether a task that uses it has no end yet, or it was asked for itself."""
        return service in self.staying or self._users_left[service] > 0

    def user_is_over(self, task: int) -> list[int]:
        """A task has its end: the services that nobody wants any more."""
        found = []
        for service in self.used.get(task, ()):
            self._users_left[service] -= 1
            if not self.is_wanted(service):
                found.append(service)
        return found

    def wait(self, task: int, service: int) -> None:
        """``task`` is to be told when ``service`` is ready or over."""
        self._waiting.setdefault(service, []).append(task)

    def waiting(self, service: int) -> list[int]:
        """Those who are to be told, once."""
        return self._waiting.pop(service, [])
