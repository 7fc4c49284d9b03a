"""What is done to a built project before a tool is asked to bring it up to date, and whether it did.

Knows files: what is written, touched, removed, and what must be there afterwards. Does not know which tool it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from graphs import Graph

FOLDERS = ("in", "out")


class WentWrong(Exception):
    """What is there is not what should be; the text says how."""


@dataclass(frozen=True)
class Project:
    """A folder with one graph in it. ``state``: globs of what the tool keeps there."""

    folder: Path
    graph: Graph
    state: tuple[str, ...]

    def lay_out(self) -> None:
        """Write the sources; tools that make no folders find those that they need."""
        for name in FOLDERS:
            (self.folder / name).mkdir(parents=True)
        for path, content in self.graph.sources:
            (self.folder / path).write_text(content)

    def remove_outputs(self) -> None:
        """An empty folder is there instead; all tools find the same."""
        self._put_aside(self.folder / "out")
        (self.folder / "out").mkdir()

    def remove_state(self) -> None:
        """What the tool would know it by."""
        for pattern in self.state:
            for path in self.folder.glob(pattern):
                self._put_aside(path)

    def _put_aside(self, path: Path) -> None:
        """Out of the project, and out of the tool's sight.

        Not removed: for minutes after thousands of files were, ext4 takes up to half a millisecond longer for each new one (it
        uses no inode again that was just freed), and the figures would be about that.
        """
        aside = self.folder.parent / "aside"
        aside.mkdir(exist_ok=True)
        path.rename(aside / f"{self.folder.name}-{len(os.listdir(aside))}")

    def stamps(self) -> dict[str, tuple[int, int]]:
        """Time and inode of every output that is there."""
        found = {}
        for entry in os.scandir(self.folder / "out"):
            state = entry.stat()
            found[f"out/{entry.name}"] = (state.st_mtime_ns, state.st_ino)
        return found

    def check(self) -> None:
        """Every output is made of its inputs, as they are now. Raises WentWrong."""
        for job in self.graph.jobs:
            if not job.output:
                continue
            made = self.folder / job.output
            if not made.exists():
                raise WentWrong(f"{job.output} is not there")
            if made.read_bytes() != b"".join((self.folder / path).read_bytes() for path in job.inputs):
                raise WentWrong(f"{job.output} is not made of its inputs as they are now")


# -- what is done --------------------------------------------------------------------------------------------------


def clean(project: Project) -> None:
    """Nothing built, and nothing known of it."""
    project.remove_outputs()
    project.remove_state()


def nothing(project: Project) -> None:
    """Everything is as it was left."""


def one_change(project: Project) -> None:
    """The source in the middle says something that it never said before."""
    path, _ = project.graph.sources[len(project.graph.sources) // 2]
    with (project.folder / path).open("a") as file:
        file.write("+")


def touch_all(project: Project) -> None:
    """All sources have a new time, and say what they said."""
    for path, _ in project.graph.sources:
        os.utime(project.folder / path)


def restore(project: Project) -> None:
    """All outputs are gone; what the tool knows is there."""
    project.remove_outputs()


@dataclass(frozen=True)
class Scenario:
    """One of them: its name, what is done before each run, and whether it takes files."""

    name: str
    prepare: Callable[[Project], None]
    needs_files: bool = True


SCENARIOS = (
    Scenario("clean", clean, needs_files=False),
    Scenario("no-op", nothing, needs_files=False),
    Scenario("one-change", one_change),
    Scenario("touch-all", touch_all),
    Scenario("restore", restore),
)


def made_anew(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> int:
    """How many outputs were written between both, as the file system tells it: no tool's own word is taken for it."""
    return sum(before.get(path) != state for path, state in after.items())


def check_ran(scenario: Scenario, made: int) -> None:
    """A no-op writes nothing. Raises WentWrong."""
    if scenario.name == "no-op" and made:
        raise WentWrong(f"with nothing to do it wrote {made} outputs")
