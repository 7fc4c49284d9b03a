"""What `exarp plan --what-if jobs=…` predicts, beside what a run with so many jobs then takes, on a real C project.

Knows how to build zstd again and again, and what to ask between two builds. Decides nothing: it prints both, and ratios. See
README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import zstd_build
from archive import fetch_source, unpack
from contender import Missing, find_exarp, find_program
from cost import CommandFailed, cost_of
from table import paired_ratio, seconds, table

HEAD = ("run with", "measured", "as measured at", "predicted", "by measured")


@dataclass
class Prediction:
    """What was predicted for ``jobs``, in seconds a round, from what the tasks of a run with ``known`` jobs took."""

    jobs: int
    known: int
    seconds: list[float] = field(default_factory=list)


def lay_out(source: Path) -> int:
    """Write the manifest beside the source; how many commands there are. Raises Missing."""
    try:
        steps = zstd_build.steps_of(source)
    except (OSError, ValueError) as fault:
        raise Missing(str(fault)) from fault
    (source / "exarp.toml").write_text(zstd_build.manifest(steps))
    return len(steps)


def build(exarp: str, folder: Path, jobs: int) -> float:
    """Seconds that a build of everything takes."""
    return cost_of((exarp, "run", "--force", f"-j{jobs}"), folder).wall


def predicted(exarp: str, folder: Path, jobs: Sequence[int]) -> list[float]:
    """Makespans in seconds, from what the tasks took last. Raises CommandFailed where some were never measured."""
    asked = [word for each in jobs for word in ("--what-if", f"jobs={each}")]
    done = subprocess.run((exarp, "plan", "--json", *asked), cwd=folder, capture_output=True, text=True, check=True)
    scenarios = json.loads(done.stdout)["what_if"][1:]
    if any(scenario["assumed"] for scenario in scenarios):
        raise CommandFailed("some tasks have no measured duration")
    return [scenario["makespan_ms"] / 1000 for scenario in scenarios]


def measure(exarp: str, folder: Path, jobs: Sequence[int], rounds: int) -> list[tuple[str, ...]]:
    """Builds in turn, each followed by the question how long all of them take; the rows of the table."""
    walls: dict[int, list[float]] = {each: [] for each in jobs}
    found = {(each, known): Prediction(each, known) for each in jobs for known in jobs}
    # Compilers and headers come from the disk once.
    build(exarp, folder, max(jobs))
    for _ in range(rounds):
        for known in jobs:
            walls[known].append(build(exarp, folder, known))
            for each, makespan in zip(jobs, predicted(exarp, folder, jobs), strict=True):
                found[each, known].seconds.append(makespan)
    return [
        (
            f"-j{each.jobs}",
            seconds(median(walls[each.jobs])),
            f"-j{each.known}",
            seconds(median(each.seconds)),
            paired_ratio(each.seconds, walls[each.jobs]),
        )
        for each in found.values()
    ]


def arguments() -> argparse.Namespace:
    """What the caller wants."""
    parser = argparse.ArgumentParser(description="Hold plan --what-if against builds of zstd.")
    parser.add_argument("--archive", type=Path, metavar="FILE", help="source archive of zstd (default: apt fetches it)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument("-j", "--jobs", type=int, nargs="+", default=[1, 2], metavar="N", help="default: 1 2")
    parser.add_argument("--exarp", metavar="PATH", help="default: beside this interpreter, else on PATH")
    return parser.parse_args()


def main() -> int:
    """0 when everything could be measured, whatever the figures."""
    given = arguments()
    try:
        exarp = find_exarp(given.exarp)
        for name in ("cc", "ar"):
            find_program(name)
        with tempfile.TemporaryDirectory(prefix="exarp-what-if-") as work:
            archive = given.archive or fetch_source(zstd_build.PACKAGE, Path(work) / "apt")
            source = unpack(archive, Path(work) / "source")
            count = lay_out(source)
            print(
                f"{archive.name}: {count} commands, medians of {given.rounds} rounds, load {os.getloadavg()[0]:.2f}\n"
            )
            print(table(HEAD, measure(exarp, source, given.jobs, given.rounds)))
    except (Missing, CommandFailed) as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
