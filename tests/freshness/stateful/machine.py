"""A folder that everything happens to that happens to folders: what is run in it is compared with the oracle's word.

Knows how a folder is read, changed and built in each of the ways in which exarp is called. Does not know what is to happen.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from exarp.app.history import newest_events
from exarp.app.opening.examining import open_project
from exarp.app.plan import preview
from exarp.app.selection.targets import choose
from exarp.model.event import Event, RunStarted, TaskFinished, TaskStarted
from exarp.planning.selection import Wanted
from tests.cli.conftest import Workspace
from tests.freshness import conftest
from tests.freshness.conftest import grow_old, in_process
from tests.freshness.stateful.manifest import INNER_FILE, ROOT_FILE, written
from tests.freshness.stateful.project import Project
from tests.freshness.stateful.simulation import Asked, Outcome, Record, Store, simulate
from tests.freshness.stateful.tree import FOLDER, Tree

HIDDEN = frozenset({".git", ".exarp"})


def read_tree(root: Path) -> Tree:
    """All that is in a folder but for what is git's and exarp's."""
    tree: Tree = {}
    stack = [""]
    while stack:
        folder = stack.pop()
        with os.scandir(root / folder) as entries:
            for entry in entries:
                path = folder + entry.name
                if entry.name in HIDDEN:
                    continue
                if entry.is_symlink():
                    tree[path] = ("link", os.readlink(entry.path), False)
                elif entry.is_dir():
                    tree[path] = FOLDER
                    stack.append(f"{path}/")
                else:
                    runs = bool(entry.stat().st_mode & stat.S_IXUSR)
                    tree[path] = ("file", Path(entry.path).read_text(), runs)
    return tree


def put(root: Path, tree: Tree, before: Tree) -> None:
    """Make a folder that holds ``before`` hold ``tree``: what is the same is not touched."""
    for path in sorted(before, reverse=True):
        if path not in tree or tree[path][0] != before[path][0]:
            at = root / path
            if before[path] == FOLDER:
                shutil.rmtree(at, ignore_errors=True)
            else:
                at.unlink(missing_ok=True)
    for path in sorted(tree):
        if tree[path] == before.get(path):
            continue
        at = root / path
        kind, what, runs = tree[path]
        if kind == "folder":
            at.mkdir(exist_ok=True)
        elif kind == "link":
            at.unlink(missing_ok=True)
            at.symlink_to(what)
        else:
            at.write_text(what)
            at.chmod(0o755 if runs else 0o644)


class Ran:
    """What was seen of a run."""

    def __init__(self, code: int, started: Iterable[str], events: Iterable[Event]) -> None:
        self.code = code
        # Keys of tasks whose commands ran, as these told themselves.
        self.started = sorted(started)
        self.events = list(events)
        ends = [event for event in self.events if isinstance(event, TaskFinished)]
        self.restored = {event.task for event in ends if event.outcome == "restored"}
        self.passed = {event.task for event in ends if event.outcome == "passed"} | self.restored
        self.begun = [event.task for event in self.events if isinstance(event, TaskStarted)]

    @property
    def answered(self) -> str:
        """By whom: the glance, the part of a run that it leaves, or a run of all."""
        starts = [event for event in self.events if isinstance(event, RunStarted)]
        if not starts:
            return "at a glance"
        return "in part" if any(wave.settled for wave in starts[0].plan.waves) else "as a whole"


class Place:
    """A folder in which ``project`` is built over and over. ``way``: "process", or "command" (through the door)."""

    def __init__(self, base: Path, way: str, artifacts: bool) -> None:
        self.base, self.root = base, base / "w"
        self.way, self.artifacts = way, artifacts
        (self.root / ".git").mkdir(parents=True)
        os.mkfifo(base / "fifo")
        self.project = Project(())
        self.records: dict[str, Record] = {}
        self.store: Store = {}
        self.environ: dict[str, str] = {}
        # What the last command said.
        self.said = ""

    # -- what happens to it ------------------------------------------------------------------------------------

    def tree(self) -> Tree:
        return read_tree(self.root)

    def write(self, path: str, content: str) -> None:
        at = self.root / path
        at.parent.mkdir(parents=True, exist_ok=True)
        if at.is_symlink() and not at.exists():
            at.unlink()
        at.write_text(content)

    def describe(self, project: Project) -> None:
        """Change the manifests: those that say what they should are not touched."""
        self.project = project
        texts = written(project)
        for path in (ROOT_FILE, INNER_FILE):
            at = self.root / path
            if path not in texts:
                at.unlink(missing_ok=True)
            elif not at.exists() or at.read_text() != texts[path]:
                self.write(path, texts[path])

    def settle(self) -> None:
        """Time passes."""
        grow_old(self.root)

    # -- what is run in it -------------------------------------------------------------------------------------

    def call(self, *words: str) -> int:
        """exarp, in a process of its own that has loaded it already."""
        result = Workspace(self.root).exarp(*words, env=self.variables())
        assert result.code in (0, 1), (words, result.code, result.err)
        assert "Traceback" not in result.err, result.err
        self.said = result.err
        return result.code

    def variables(self) -> Mapping[str, str]:
        return {**self.environ, **({"EXARP_CACHE": ""} if self.artifacts else {})}

    def run(self, names: tuple[str, ...], *options: str) -> Ran:
        """Run tasks by name, all ("--all"), or what a run without names does."""
        before = self.newest()
        (self.base / "ran").unlink(missing_ok=True)
        plain = not set(options) - {"--force"} and names
        if self.way == "process" and plain:
            named = () if names == ("--all",) else names
            asked = conftest.Asked(named, None, "--force" in options, self.variables())
            code = in_process(self.root, asked).code
            self.said = ""
        else:
            code = self.call("run", *names, *options)
        return Ran(code, self.told(), self.since(before))

    def foresee(self, names: tuple[str, ...]) -> tuple[set[str], set[str]]:
        """The tasks that a run would restore, and those that it would find up to date."""
        environ = {"PATH": os.environ["PATH"], "EXARP_CACHE": "off", **self.variables()}
        project = open_project(str(self.root), None, environ)
        wanted = Wanted(() if names == ("--all",) else names, every=names == ("--all",))
        found = preview(project, choose(project, wanted), environ)
        called = project.graph.names
        fresh = {called[task] for task, reason in found.freshness.items() if reason is None}
        return {called[task] for task in found.restored}, fresh - {
            task.name for task in project.manifest.tasks if task.is_group
        }

    def newest(self) -> str:
        return next((event.run for event in newest_events(str(self.root))), "")

    def since(self, before: str) -> list[Event]:
        events = newest_events(str(self.root))
        return events if events and events[0].run != before else []

    def told(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return (self.base / "ran").read_text().split()
        return []

    def held_up(self, gate: str, meanwhile: Callable[[int, int], None]) -> Ran:
        """A run of all; if a task comes to a gate, ``meanwhile`` is called with the task's process and exarp's."""
        before = self.newest()
        for name in ("ran", "held"):
            (self.base / name).unlink(missing_ok=True)
        hold = self.base / f"hold.{gate}"
        hold.touch()
        codes: list[int] = []
        call = threading.Thread(
            target=lambda: codes.append(Workspace(self.root).exarp("run", "--all", "-j1", env=self.variables()).code)
        )
        call.start()
        held = self.base / "held"
        while not held.exists() and call.is_alive():
            time.sleep(0.001)
        hold.unlink()
        if held.exists():
            task, exarp = map(int, held.read_text().split())
            meanwhile(task, exarp)
        call.join()
        return Ran(codes[0], self.told(), self.since(before))

    def go_on(self) -> None:
        """Let a task that has come to a gate go through."""
        with open(self.base / "fifo", "w") as fifo:
            fifo.write("go\n")

    def broken_off(self, gate: str, signum: int, whole: bool) -> Ran:
        """A run of all that is ended when a task has come to a gate, or (not ``whole``) that task alone is."""

        def end(task: int, exarp: int) -> None:
            os.kill(exarp if whole else task, signum)
            if whole and signum == signal.SIGKILL:
                # Nobody else ends what a killed exarp has left.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(task, signal.SIGKILL)

        return self.held_up(gate, end)


def expected(place: Place, keys: Iterable[str], force: bool = False, caching: bool = True) -> Outcome:
    """What the oracle says of a run of tasks in a place as it is."""
    asked = Asked(tuple(keys), force, caching and place.artifacts)
    return simulate(place.project, place.tree(), place.environ, place.records, place.store, asked)
