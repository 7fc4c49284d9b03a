"""A folder with a manifest that is brought up to date over and over, in each way in which exarp can be called.

A *way* is a function: (folder, what is asked) to what ran and why. To try another one, add it to ``WAYS``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeGuard

import pytest

from exarp.app.history import newest_events
from exarp.app.opening.examining import open_project
from exarp.app.run import RunRequest, Voice, run
from exarp.app.selection.targets import choose
from exarp.model.event import Event, TaskFinished, TaskStarted
from exarp.planning.selection import Wanted
from exarp.workspace.fingerprints import FileClock
from tests.cli.conftest import Result, Workspace, environment


class Asked(NamedTuple):
    """What a run is asked for: ``names``, or all; ``file``: of ``-f``; ``env``: beside PATH."""

    names: tuple[str, ...] = ()
    file: str | None = None
    force: bool = False
    env: Mapping[str, str] = {}


class Answer(NamedTuple):
    """What a run came to. ``events``: its stored ones, none where it was not recorded."""

    code: int
    events: list[Event]


Way = Callable[[Path, Asked], Answer]


def in_process(folder: Path, asked: Asked) -> Answer:
    """The use case, called in this process."""
    environ = {"PATH": os.environ["PATH"], "EXARP_CACHE": "off", **asked.env}
    file = str(folder / asked.file) if asked.file else None
    project = open_project(str(folder), file, environ)
    request = RunRequest(choose(project, Wanted(asked.names, every=not asked.names)), force=asked.force)
    before = _newest_run(project.root)
    code = run(project, request, environ, Voice(lambda line: None, list))
    return Answer(code, _events_since(project.root, before))


def by_command(folder: Path, asked: Asked) -> Answer:
    """The command, in a process of its own."""
    words = ["run", *(asked.names or ["--all"]), *(["--force"] if asked.force else [])]
    if asked.file:
        words += ["-f", asked.file]
    root = open_project(str(folder), str(folder / asked.file) if asked.file else None, dict(asked.env)).root
    before = _newest_run(root)
    result = Workspace(folder).exarp(*words, env=asked.env)
    assert result.code in (0, 1), result.err
    return Answer(result.code, _events_since(root, before))


def with_artifacts(folder: Path, asked: Asked) -> Answer:
    """The use case, where what was made before is put back instead of being made again."""
    return in_process(folder, asked._replace(env={"EXARP_CACHE": "", **asked.env}))


WAYS: dict[str, Way] = {"in-process": in_process, "command": by_command, "artifacts": with_artifacts}


def _newest_run(root: str) -> str:
    return next((event.run for event in newest_events(root)), "")


def _events_since(root: str, before: str) -> list[Event]:
    events = newest_events(root)
    return events if events and events[0].run != before else []


class Build:
    """A workspace; what ran in it and why is what a run gives back."""

    def __init__(self, root: Path, way: Way) -> None:
        self.root = root
        self.way = way
        self.code = 0
        self.events: list[Event] = []
        (root / ".git").mkdir(parents=True)

    def manifest(self, text: str, file: str = "exarp.toml") -> None:
        self.write(file, textwrap.dedent(text))

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    def remove(self, name: str) -> None:
        (self.root / name).unlink()

    def run(
        self, *names: str, cwd: str = "", file: str | None = None, force: bool = False, **env: str
    ) -> dict[str, str]:
        """Bring tasks, or all, up to date: which were made anew (run, or restored), each with the reason and what it is about."""
        answer = self.way(self.root / cwd, Asked(names, file, force, env))
        self.code, self.events = answer
        return {event.task: _worded(event) for event in self.events if _is_made_anew(event)}

    @property
    def warnings(self) -> str:
        """What the last run said of tasks that passed."""
        return "; ".join(text for event in self.events if isinstance(event, TaskFinished) for text in event.warnings)

    def settle(self, *names: str, cwd: str = "", file: str | None = None, **env: str) -> None:
        """Run, and see that nothing is left to do, now and when all files have grown old."""
        assert self.run(*names, cwd=cwd, file=file, **env)
        assert self.code == 0
        grow_old(self.root)
        for _ in range(2):
            # The first of them learns what may be trusted from then on.
            assert self.run(*names, cwd=cwd, file=file, **env) == {}

    def exarp(self, *arguments: str) -> Result:
        """Another command."""
        return Workspace(self.root).exarp(*arguments)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A process that is to be interrupted or killed."""
        return subprocess.Popen(
            [sys.executable, "-m", "exarp", *arguments],
            cwd=self.root,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _is_made_anew(event: Event) -> TypeGuard[TaskStarted | TaskFinished]:
    if isinstance(event, TaskStarted):
        return event.attempt == 1
    return isinstance(event, TaskFinished) and event.outcome == "restored"


def _worded(event: TaskStarted | TaskFinished) -> str:
    return f"{event.reason.code} {event.reason.subject}".rstrip() if event.reason is not None else ""


def grow_old(root: Path) -> None:
    """Go on when the files' clock says that nothing here is young: only what is not may be trusted without being read."""
    path = root.parent / "clock"
    clock = FileClock(str(path))
    newest = max(file.lstat().st_ctime_ns for file in root.rglob("*"))
    try:
        while clock.now() < newest + 25_000_000:
            continue
    finally:
        clock.close()


@pytest.fixture(params=WAYS)
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    return Build(tmp_path / "w", WAYS[request.param])
