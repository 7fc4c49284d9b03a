"""Plans of many tasks: what `exarp plan --json` costs, by what reading the same file as TOML costs.

Knows how to write manifests in layers, and takes turns between both on one file. Decides nothing: it prints ratios of what
was measured in the same round. See README.md.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from contender import Missing, find_exarp, interpreter_of
from cost import CommandFailed, Cost, cost_of
from table import paired_ratio, seconds, table

HEAD = ("", "tasks", "tomli.loads", "plan --json", "by tomli.loads", "peak")
LAYERS, NEEDS = 100, 3

# CPU seconds of tomli.loads alone, without the collector, which would only measure how many objects there are.
PARSE = """
import gc, time, tomli
text = open("exarp.toml", encoding="utf-8").read()
gc.disable()
begun = time.process_time()
tomli.loads(text)
print(time.process_time() - begun)
"""


def by_needs(layer: int, place: int, before: Sequence[int]) -> str:
    """A task that names those before it."""
    needs = ", ".join(f'"t{layer - 1}_{need}"' for need in before)
    return f'[task.t{layer}_{place}]\nrun = "true"\n' + (f"needs = [{needs}]\n" if layer else "")


def by_files(layer: int, place: int, before: Sequence[int]) -> str:
    """A task that reads what those before it make."""
    inputs = ", ".join(f'"out/{layer - 1}/{need}"' for need in before)
    reads = f"inputs = [{inputs}]\n" if layer else ""
    return f'[task.t{layer}_{place}]\nrun = "true"\n{reads}outputs = ["out/{layer}/{place}"]\n'


@dataclass
class Entry:
    """One manifest: its label, its folder, how many tasks it has, and what each round cost."""

    label: str
    folder: Path
    tasks: int
    parses: list[float] = field(default_factory=list)
    plans: list[Cost] = field(default_factory=list)

    @property
    def cpus(self) -> list[float]:
        return [cost.cpu for cost in self.plans]


def entry(work: Path, label: str, count: int) -> Entry:
    """Write a manifest of ``count`` tasks in layers; each needs three of the layer before."""
    dice = random.Random(count)
    width = count // LAYERS
    write = {"needs": by_needs, "files": by_files}[label]
    folder = work / f"{label}-{count}"
    folder.mkdir()
    lines = [write(layer, place, dice.sample(range(width), NEEDS)) for layer in range(LAYERS) for place in range(width)]
    (folder / "exarp.toml").write_text("\n".join(lines))
    return Entry(label, folder, count)


def measure(each: Entry, exarp: str, python: str) -> None:
    """One round: both on the same file, one right after the other."""
    each.parses.append(float(cost_of((python, "-c", PARSE), each.folder).output))
    each.plans.append(cost_of((exarp, "plan", "--json"), each.folder))


def row(each: Entry) -> tuple[str, ...]:
    """Medians of all rounds."""
    return (
        each.label,
        str(each.tasks),
        seconds(median(each.parses)),
        seconds(median(each.cpus)),
        paired_ratio(each.cpus, each.parses),
        f"{max(cost.peak for cost in each.plans) / 1024:.0f} MiB",
    )


def arguments() -> argparse.Namespace:
    """What the caller wants."""
    parser = argparse.ArgumentParser(description="Plan N tasks in 100 layers, and a tenth of them.")
    parser.add_argument("--tasks", type=int, default=100_000, metavar="N", help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument("--exarp", metavar="PATH", help="default: beside this interpreter, else on PATH")
    return parser.parse_args()


def main() -> int:
    """Take turns, a round at a time."""
    given = arguments()
    try:
        exarp = find_exarp(given.exarp)
        python = interpreter_of(exarp)
        with tempfile.TemporaryDirectory(prefix="exarp-plan-") as work:
            sizes = (given.tasks // 10, given.tasks)
            contest = [entry(Path(work), label, count) for label in ("needs", "files") for count in sizes]
            for _ in range(given.rounds):
                for each in contest:
                    measure(each, exarp, python)
    except (Missing, CommandFailed) as fault:
        print(fault, file=sys.stderr)
        return 1
    print(f"CPU, medians of {given.rounds} rounds\n")
    print(table(HEAD, [row(each) for each in contest]))
    for small, large in zip(contest[::2], contest[1::2], strict=True):
        print(f"\n{large.label}: ten times the tasks take {paired_ratio(large.cpus, small.cpus)} times as long", end="")
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
