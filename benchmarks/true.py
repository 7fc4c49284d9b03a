"""Thousands of tasks that do nothing: what the tool itself costs, exarp beside ninja.

Knows how both are told to run ``true`` N times, and takes turns between them. Decides nothing: it prints medians, and
ratios of what was measured in the same round. See README.md.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from contender import Missing, find_exarp, find_program, setting
from cost import CommandFailed, Cost, cost_of
from table import paired_ratio, seconds, spread, table

HEAD = ("", "wall", "CPU", "CPU a task", "peak", "wall, by ninja", "CPU, by ninja", "wall from … to")


@dataclass
class Entry:
    """One way to run the tasks: its label, its command, the file that says what to run, and what each round cost."""

    label: str
    argv: Sequence[str]
    file: str
    content: Callable[[int], str]
    costs: list[Cost] = field(default_factory=list)

    @property
    def walls(self) -> list[float]:
        return [cost.wall for cost in self.costs]

    @property
    def cpus(self) -> list[float]:
        return [cost.cpu for cost in self.costs]


def manifest_of(line: str) -> Callable[[int], str]:
    """An exarp.toml of N tasks that all say ``line``."""
    return lambda count: "\n".join(f"[task.t{number}]\n{line}\n" for number in range(count))


def ninja_file(count: int) -> str:
    """The same for ninja, which always uses a shell; no edge makes its output, so that all of them run."""
    return "rule true\n  command = true\n" + "".join(f"build t{number}: true\n" for number in range(count))


def entries(exarp: str, ninja: str, jobs: int) -> list[Entry]:
    """ninja first: the others are compared with it."""
    ours = (exarp, "run", "--all", f"-j{jobs}")
    return [
        Entry("ninja", (ninja, f"-j{jobs}"), "build.ninja", ninja_file),
        Entry('exarp, run = "true"', ours, "exarp.toml", manifest_of('run = "true"')),
        Entry('exarp, argv = ["true"]', ours, "exarp.toml", manifest_of('argv = ["true"]')),
    ]


def measure(entry: Entry, count: int, work: Path) -> None:
    """One run from nothing: a new folder with one file, gone afterwards."""
    folder = work / "round"
    folder.mkdir()
    try:
        (folder / entry.file).write_text(entry.content(count))
        entry.costs.append(cost_of(entry.argv, folder))
    finally:
        shutil.rmtree(folder)


def row(entry: Entry, ninja: Entry, count: int) -> tuple[str, ...]:
    """Medians of all rounds."""
    cpu = median(entry.cpus)
    return (
        entry.label,
        seconds(median(entry.walls)),
        seconds(cpu),
        f"{cpu / count * 1e6:.0f} µs",
        f"{max(cost.peak for cost in entry.costs) / 1024:.0f} MiB",
        paired_ratio(entry.walls, ninja.walls),
        paired_ratio(entry.cpus, ninja.cpus),
        spread(entry.walls),
    )


def arguments() -> argparse.Namespace:
    """What the caller wants."""
    parser = argparse.ArgumentParser(description="Run N tasks that do nothing, with exarp and with ninja.")
    parser.add_argument("--tasks", type=int, default=10_000, metavar="N", help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument("-j", "--jobs", type=int, default=2, metavar="N", help="default: %(default)s")
    parser.add_argument("--exarp", metavar="PATH", help="default: beside this interpreter, else on PATH")
    return parser.parse_args()


def main() -> int:
    """Take turns, a round at a time; each round begins with another entry."""
    given = arguments()
    try:
        exarp, ninja = find_exarp(given.exarp), find_program("ninja")
        print(setting(exarp, ninja))
        contest = entries(exarp, ninja, given.jobs)
        with tempfile.TemporaryDirectory(prefix="exarp-true-") as work:
            for number in range(given.rounds):
                first = number % len(contest)
                for entry in contest[first:] + contest[:first]:
                    measure(entry, given.tasks, Path(work))
    except (Missing, CommandFailed) as fault:
        print(fault, file=sys.stderr)
        return 1
    print(f"{given.tasks} tasks, -j{given.jobs}, medians of {given.rounds} rounds\n")
    print(table(HEAD, [row(entry, contest[0], given.tasks) for entry in contest]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
