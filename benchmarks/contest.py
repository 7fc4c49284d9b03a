"""exarp, ninja, GNU make, go-task, SCons, doit and Snakemake on the same graphs of N tasks, taking turns.

Knows what is asked for and how it is told: medians, the ratio to ninja within each round, and how cost grows with size. Decides
nothing. See README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from itertools import groupby, pairwise
from math import log
from pathlib import Path
from statistics import median

import startup
from build_tools import TOOLS, Installed, find
from contender import Missing
from cost import CommandFailed
from graphs import SHAPES
from rounds import Entry, LeftOut, Terms, contest, say
from scenarios import SCENARIOS
from table import markdown, paired_ratio, seconds, spread, table

HEAD = ("", "wall", "by ninja", "CPU", "by ninja", "peak", "made anew", "wall from … to")
GROWTH_HEAD = ("", "tasks", "wall grows by", "exponent", "CPU grows by", "exponent")
NINJA = "ninja"


# -- measuring -----------------------------------------------------------------------------------------------------


def measure(given: argparse.Namespace, tools: Sequence[Installed], work: Path) -> tuple[list[Entry], list[str]]:
    """Every shape in every size, small ones first; and a line on each tool that has no figures for some."""
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in given.scenarios]
    terms = Terms(given.jobs, given.rounds, given.limit)
    entries, notes = [], []
    for shape in given.graphs:
        out = LeftOut({
            each.name: f"left out from {shape} graphs: it has none" for each in tools if shape not in each.tool.shapes
        })  # fmt: skip
        builds: dict[str, float] = {}
        for before, count in pairwise([0, *sorted(given.tasks)]):
            _leave_out_the_slow(builds, before, count, shape, given.limit, out)
            graph = SHAPES[shape](count)
            found, builds = contest(tools, graph, scenarios, terms, work / f"{shape}-{count}", out)
            entries += found
        notes += [f"{name}: {why}" for name, why in out.why.items()]
    return entries, notes


def _leave_out_the_slow(
    builds: dict[str, float], before: int, count: int, shape: str, limit: float, out: LeftOut
) -> None:
    """Those for which the build would take longer than the limit, if it took no longer a task than at the size before."""
    for name, wall in builds.items():
        expected = wall * count / before
        if expected > limit and name not in out.why:
            out.why[name] = (
                f"left out from {shape} graphs of {count} tasks on: a build would take {expected:.0f} s or more, "
                f"by what {before} took"
            )
            say(f"{name} is {out.why[name]}")


# -- telling -------------------------------------------------------------------------------------------------------


def _groups(entries: Sequence[Entry]) -> Iterator[tuple[tuple[str, int, str], list[Entry]]]:
    """By shape, size and scenario, in the order in which they were measured."""
    for key, group in groupby(entries, lambda entry: (entry.shape, entry.tasks, entry.scenario)):
        yield key, list(group)


def _ninja_of(group: Sequence[Entry]) -> Entry | None:
    return next((entry for entry in group if entry.tool == NINJA), None)


def rows(group: Sequence[Entry]) -> list[tuple[str, ...]]:
    """A scenario's rows: medians of all rounds."""
    ninja = _ninja_of(group)
    return [
        (
            entry.tool,
            seconds(median(entry.walls)),
            paired_ratio(entry.walls, ninja.walls) if ninja else "-",
            seconds(median(entry.cpus)),
            paired_ratio(entry.cpus, ninja.cpus) if ninja else "-",
            "-" if entry.peak is None else f"{entry.peak / 1024:.1f} MiB",
            str(entry.made),
            spread(entry.walls),
        )
        for entry in group
    ]


def summary(entries: Sequence[Entry]) -> tuple[list[str], list[list[str]]]:
    """Tools by scenarios, each cell the median wall and its ratio to ninja: of one graph of one size."""
    cells: dict[str, dict[str, str]] = {}
    scenarios = []
    for (_, _, scenario), group in _groups(entries):
        scenarios.append(scenario)
        ninja = _ninja_of(group)
        for entry in group:
            ratio = f" ({paired_ratio(entry.walls, ninja.walls)})" if ninja else ""
            cells.setdefault(entry.tool, {})[scenario] = seconds(median(entry.walls)) + ratio
    return ["", *scenarios], [[tool, *(found.get(each, "") for each in scenarios)] for tool, found in cells.items()]


def growth(entries: Sequence[Entry]) -> list[tuple[str, ...]]:
    """From each size to the next: by how much cost grows, and the exponent x of cost ~ tasks ** x."""
    found = []
    kinds = dict.fromkeys((entry.shape, entry.scenario, entry.tool) for entry in entries)
    for kind in kinds:
        sizes = [entry for entry in entries if (entry.shape, entry.scenario, entry.tool) == kind]
        for small, large in pairwise(sizes):
            cells = []
            for ours, theirs in ((large.walls, small.walls), (large.cpus, small.cpus)):
                factor = median(ours) / median(theirs)
                cells += [f"{factor:.2f}", f"{log(factor) / log(large.tasks / small.tasks):.2f}"]
            found.append((", ".join(kind), f"{small.tasks} to {large.tasks}", *cells))
    return found


def report(entries: Sequence[Entry], as_markdown: bool) -> None:
    """All tables."""
    draw = markdown if as_markdown else table
    for (shape, tasks), of_size in groupby(entries, lambda entry: (entry.shape, entry.tasks)):
        group_of_size = list(of_size)
        for (_, _, scenario), group in _groups(group_of_size):
            print(f"\n{shape}, {tasks} tasks, {scenario}\n", draw(HEAD, rows(group)), sep="\n")
        print(f"\n{shape}, {tasks} tasks: wall, and by ninja\n", draw(*summary(group_of_size)), sep="\n")
    if grown := growth(entries):
        print("\ngrowth\n", draw(GROWTH_HEAD, grown), sep="\n")


def setting(tools: Sequence[Installed], given: argparse.Namespace) -> list[str]:
    """What is measured, where and when."""
    versions = {each.tool.program: f"{each.tool.program} {each.version()}" for each in tools}
    machine = (
        f"Python {platform.python_version()}",
        f"{os.cpu_count()} CPUs",
        f"{platform.system()} {platform.release()} {platform.machine()}",
        f"load {os.getloadavg()[0]:.2f}",
    )
    return [
        ", ".join(versions.values()),
        ", ".join((*machine, date.today().isoformat())),
        f"-j{given.jobs}, medians of {given.rounds} rounds, at most {given.limit:.0f} s a run",
    ]


# -- the command ---------------------------------------------------------------------------------------------------


def arguments() -> argparse.Namespace:
    """What the caller wants."""
    names = [tool.name for tool in TOOLS]
    scenarios = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(description="Build tools on the same graphs of N tasks, taking turns.")
    parser.add_argument("--tools", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--graphs", nargs="+", choices=list(SHAPES), default=list(SHAPES), help="default: all")
    parser.add_argument("--scenarios", nargs="*", choices=scenarios, default=scenarios, help="default: all")
    parser.add_argument("--tasks", type=int, nargs="+", default=[1000], metavar="N", help="sizes; default: 1000")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default: %(default)s")
    parser.add_argument("-j", "--jobs", type=int, default=2, metavar="N", help="default: %(default)s")
    parser.add_argument("--limit", type=float, default=120, metavar="SECONDS", help="of one run; default: %(default)s")
    parser.add_argument("--program", action="append", default=[], metavar="NAME=PATH", help="where a program is")
    parser.add_argument("--exarp", metavar="PATH", help="default: beside this interpreter, else on PATH")
    parser.add_argument("--startup-rounds", type=int, default=20, metavar="N", help="0: no start-up; default: 20")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="where to build; default: the temporary folder")
    parser.add_argument("--markdown", action="store_true", help="tables as a README has them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure of every round there")
    return parser.parse_args()


def measure_startup(tools: Sequence[Installed], rounds: int) -> list[startup.Entry]:
    """Nothing where it isn't wanted, or exarp is not here."""
    exarp = next((each.path for each in tools if each.name == "exarp"), None)
    if not rounds or exarp is None:
        return []
    say("start-up")
    entries = startup.entries(exarp, tools)
    startup.measure(entries, rounds)
    return entries


def write_json(path: Path, head: Sequence[str], entries: Sequence[Entry], started: Sequence[startup.Entry]) -> None:
    """One document: walls and CPU in seconds, a figure a round; peaks in KiB."""
    plain = [
        {
            **{key: value for key, value in asdict(entry).items() if key != "costs"},
            "walls": entry.walls,
            "cpus": entry.cpus,
        }
        for entry in entries
    ]
    begun = [{"command": entry.label, "walls": entry.walls, "cpus": entry.cpus} for entry in started]
    path.write_text(json.dumps({"setting": list(head), "startup": begun, "entries": plain}, indent=1) + "\n")


def main() -> int:
    """0 when something could be measured, whatever the figures."""
    given = arguments()
    programs = dict(each.partition("=")[::2] for each in given.program)
    if given.exarp:
        programs["exarp"] = given.exarp
    try:
        tools, missing = find([tool for tool in TOOLS if tool.name in given.tools], programs)
        head = setting(tools, given)
        print(*head, *missing, sep="\n", flush=True)
        started = measure_startup(tools, given.startup_rounds)
        with tempfile.TemporaryDirectory(prefix="exarp-contest-", dir=given.work) as work:
            entries, notes = measure(given, tools, Path(work))
    except (Missing, CommandFailed) as fault:
        print(fault, file=sys.stderr)
        return 1
    report(entries, given.markdown)
    if started:
        draw = markdown if given.markdown else table
        print("\nstart-up\n", draw(startup.HEAD, [startup.row(each, started[0]) for each in started]), sep="\n")
    print("", *notes, sep="\n")
    if given.json is not None:
        write_json(given.json, head, entries, started)
    return 0


if __name__ == "__main__":
    sys.exit(main())
