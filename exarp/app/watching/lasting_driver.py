"""The driver of a run that takes services over from earlier runs, and leaves them to later ones.

Knows which attempts of its host are of an earlier run. All else is as for any run (``driver``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from exarp.app.running.attempts import Running
from exarp.app.running.driver import Driver
from exarp.app.watching.standing import Kept
from exarp.engine.command import Adopt, Command, Retire
from exarp.model.launch import Exited


class GoingOn(NamedTuple):
    """A service that is up when its run is over: its task, and what the host knows it by; where its log is, see ``Driver``."""

    task: int
    key: int
    path: str
    log: str


class LastingDriver(Driver):
    """As ``Driver``; ``take_on`` comes before ``run``."""

    _stands: dict[int, int]

    def take_on(self, standing: Mapping[int, Kept], last_key: int) -> None:
        """There are attempts already, by task. ``last_key``: the last one that the host was given."""
        self._next_key = last_key
        self._stands = {task: kept.key for task, kept in standing.items()}
        for task, kept in standing.items():
            self._running[kept.key] = Running(task, 0, kept.path, kept.log, interactive=False)

    @property
    def last_key(self) -> int:
        """The last key that the host was given."""
        return self._next_key

    def going_on(self) -> Iterator[GoingOn]:
        """The services that are up, once the run is over."""
        for task in self.machine.standing:
            key = self._key_of[task] if task in self._key_of else self._stands[task]
            running = self._running[key]
            yield GoingOn(task, key, running.path, running.log)

    def _carry_out(self, command: Command) -> None:
        match command:
            case Adopt(task):
                self._key_of[task] = self._stands.pop(task)
            case Retire(task, now):
                self.stream.flush()
                self.host.end(self._key_of[task] if task in self._key_of else self._stands[task], now)
            case _:
                super()._carry_out(command)

    def _exited(self, exited: Exited) -> None:
        task = self._running[exited.key].task
        if self._stands.get(task) == exited.key:
            self._key_of[task] = self._stands.pop(task)
        super()._exited(exited)
