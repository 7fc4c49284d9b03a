"""The build tools that are compared: what each is called, reads, leaves behind, and where one gets it.

Knows command lines. Does not know what is built, and measures nothing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import notations
from contender import Missing, find_exarp
from notations import Notation


@dataclass(frozen=True)
class Tool:
    """One entry. ``state``: globs of what it keeps in the project's folder between two runs; ``shapes``: graphs it can have."""

    name: str
    program: str
    file: str
    notation: Notation
    arguments: Callable[[int], Sequence[str]]
    state: tuple[str, ...]
    package: str
    shapes: tuple[str, ...] = ("flat", "layered", "phony")


@dataclass(frozen=True)
class Installed:
    """A tool that is here, by its path."""

    tool: Tool
    path: str

    @property
    def name(self) -> str:
        return self.tool.name

    def argv(self, jobs: int) -> list[str]:
        """What brings everything up to date."""
        return [self.path, *self.tool.arguments(jobs)]

    def version(self) -> str:
        """Its own word, the first with a digit in it."""
        done = subprocess.run((self.path, "--version"), capture_output=True, text=True, check=False)
        words = (done.stdout + done.stderr).replace(",", " ").split()
        return next((word for word in words if any(map(str.isdigit, word))), "?")


# ninja first: the others are compared with it.
TOOLS = (
    Tool("ninja", "ninja", "build.ninja", notations.ninja, lambda jobs: (f"-j{jobs}",),
         (".ninja_log", ".ninja_deps"), "apt-get install ninja-build"),
    Tool("exarp", "exarp", "exarp.toml", notations.exarp, lambda jobs: ("run", "--all", f"-j{jobs}"),
         (".exarp",), "pip install ."),
    Tool("exarp-no-artifacts", "exarp", "exarp.toml", notations.exarp_without_artifacts,
         lambda jobs: ("run", "--all", f"-j{jobs}"), (".exarp",), "pip install ."),
    Tool("make", "make", "Makefile", notations.make, lambda jobs: (f"-j{jobs}",), (), "apt-get install make"),
    Tool("make-rR", "make", "Makefile", notations.make, lambda jobs: ("-rR", f"-j{jobs}"), (),
         "apt-get install make"),
    Tool("task", "task", "Taskfile.yml", notations.go_task, lambda jobs: ("--concurrency", str(jobs)),
         (".task",), "pip install go-task-bin"),
    Tool("scons", "scons", "SConstruct", notations.scons, lambda jobs: (f"-j{jobs}",),
         (".sconsign*",), "pip install scons"),
    Tool("doit", "doit", "dodo.py", notations.doit, lambda jobs: ("-n", str(jobs)), (".doit.db*",),
         "pip install doit"),
    Tool("snakemake", "snakemake", "Snakefile", notations.snakemake, lambda jobs: ("--cores", str(jobs)),
         (".snakemake",), "pip install snakemake", ("flat", "layered")),
)  # fmt: skip


def find(tools: Sequence[Tool], given: Mapping[str, str]) -> tuple[list[Installed], list[str]]:
    """Those that are here, and a line on each that is not. ``given``: paths by the program's name."""
    found, missing = [], []
    for tool in tools:
        try:
            found.append(Installed(tool, _path_of(tool, given.get(tool.program))))
        except Missing as fault:
            missing.append(str(fault))
    return found, missing


def _path_of(tool: Tool, given: str | None) -> str:
    if tool.program == "exarp":
        return find_exarp(given)
    beside = Path(sys.executable).parent / tool.program
    found = shutil.which(given or (beside if beside.exists() else tool.program))
    if found is None:
        raise Missing(f"{tool.name} is not here, and left out: {tool.package}, or --program {tool.program}=PATH")
    return str(Path(found).absolute())
