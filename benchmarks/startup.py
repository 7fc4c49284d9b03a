"""What it takes to start at all: `exarp --version` beside a bare interpreter, and a list of ten tasks, exarp's beside others'.

Knows the commands. Decides nothing: it prints medians and ratios of what was measured in the same round. See README.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from build_tools import TOOLS, Installed, find
from contender import Missing, find_exarp, interpreter_of
from cost import CommandFailed, Cost, cost_of
from table import paired_ratio, seconds, table

HEAD = ("", "wall", "by python", "CPU", "by python")
TEN = range(10)

FILES = {
    "exarp.toml": "\n".join(f'[task.t{n}]\ndescription = "Task {n}"\nrun = "true"\n' for n in TEN),
    "Taskfile.yml": 'version: "3"\ntasks:\n'
    + "".join(f'  t{n}:\n    desc: "Task {n}"\n    cmds: ["true"]\n' for n in TEN),
    "dodo.py": "\n".join(f'def task_t{n}():\n    return {{"actions": ["true"], "doc": "Task {n}"}}\n' for n in TEN),
}
LISTS = {"exarp": ("list",), "task": ("--list",), "doit": ("list",)}


@dataclass
class Entry:
    """One command: how it is named in the table, how it is called, and what each round cost."""

    label: str
    argv: Sequence[str]
    costs: list[Cost] = field(default_factory=list)

    @property
    def walls(self) -> list[float]:
        return [cost.wall for cost in self.costs]

    @property
    def cpus(self) -> list[float]:
        return [cost.cpu for cost in self.costs]


def entries(exarp: str, tools: Sequence[Installed]) -> list[Entry]:
    """The bare interpreter first: the others are compared with it."""
    lists = [(each, LISTS[each.name]) for each in tools if each.name in LISTS]
    return [
        Entry("python -I -c pass", (interpreter_of(exarp), "-I", "-c", "pass")),
        Entry("exarp --version", (exarp, "--version")),
        *(Entry(f"{each.name} {' '.join(words)} (10 tasks)", (each.path, *words)) for each, words in lists),
    ]


def measure(contest: Sequence[Entry], rounds: int) -> None:
    """All rounds, after one that does not count. Raises CommandFailed."""
    with tempfile.TemporaryDirectory(prefix="exarp-startup-") as work:
        for name, text in FILES.items():
            (Path(work) / name).write_text(text)
        for number in range(rounds + 1):
            first = number % len(contest)
            for entry in (*contest[first:], *contest[:first]):
                cost = cost_of(entry.argv, Path(work))
                if number:
                    entry.costs.append(cost)


def row(entry: Entry, python: Entry) -> tuple[str, ...]:
    """Medians of all rounds."""
    return (
        entry.label,
        seconds(median(entry.walls)),
        paired_ratio(entry.walls, python.walls),
        seconds(median(entry.cpus)),
        paired_ratio(entry.cpus, python.cpus),
    )


def arguments() -> argparse.Namespace:
    """What the caller wants."""
    parser = argparse.ArgumentParser(description="Start exarp and others, again and again.")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="default: %(default)s")
    parser.add_argument("--exarp", metavar="PATH", help="default: beside this interpreter, else on PATH")
    return parser.parse_args()


def main() -> int:
    """0 when everything could be measured, whatever the figures."""
    given = arguments()
    try:
        exarp = find_exarp(given.exarp)
        tools, missing = find([tool for tool in TOOLS if tool.name in LISTS], {"exarp": exarp})
        contest = entries(exarp, tools)
        measure(contest, given.rounds)
    except (Missing, CommandFailed) as fault:
        print(fault, file=sys.stderr)
        return 1
    print(*missing, f"medians of {given.rounds} rounds", "", sep="\n")
    print(table(HEAD, [row(entry, contest[0]) for entry in contest]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
