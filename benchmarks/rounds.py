"""Build tools that take turns on one graph: each proves itself once, then all are measured, a round at a time.

Knows the order of things, what a tool must have shown before its figures count, and when one is left out. Prints nothing but
how far it is, to stderr.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import memory
from build_tools import Installed
from cost import CommandFailed, Cost, TookTooLong, cost_of
from graphs import Graph
from scenarios import SCENARIOS, Project, Scenario, WentWrong, check_ran, made_anew

CLEAN, NO_OP = SCENARIOS[:2]


@dataclass(frozen=True)
class Terms:
    """What holds for all: commands at once, rounds, and seconds that one run may take."""

    jobs: int
    rounds: int
    limit: float


@dataclass
class Entry:
    """What one tool did in one scenario. ``made``: outputs that a run wrote; ``peak``: KiB, None where it can't be told."""

    shape: str
    tasks: int
    scenario: str
    tool: str
    made: int
    peak: int | None
    costs: list[Cost] = field(default_factory=list)

    @property
    def walls(self) -> list[float]:
        return [cost.wall for cost in self.costs]

    @property
    def cpus(self) -> list[float]:
        return [cost.cpu for cost in self.costs]


@dataclass
class LeftOut:
    """Why a tool has no figures (any more), as a line to print, by its name."""

    why: dict[str, str] = field(default_factory=dict)


class Competitor:
    """A tool and its own copy of the graph. ``build_wall``: seconds that the first build took."""

    def __init__(self, installed: Installed, graph: Graph, folder: Path, terms: Terms) -> None:
        self.name = installed.name
        self.project = Project(folder, graph, installed.tool.state)
        self.terms = terms
        self.argv = installed.argv(terms.jobs)
        self.tried: dict[str, tuple[int, int | None]] = {}
        self.build_wall = 0.0
        self.project.lay_out()
        (folder / installed.tool.file).write_text(installed.tool.notation(graph))

    def prove(self) -> None:
        """Build it all, then find nothing to do. Raises CommandFailed, WentWrong."""
        begun = time.monotonic()
        self.try_out(CLEAN)
        self.build_wall = time.monotonic() - begun
        self.try_out(NO_OP)

    def try_out(self, scenario: Scenario) -> None:
        """One run whose time does not count: what it wrote, its memory, and whether all is right afterwards."""
        if scenario.name in self.tried:
            return
        self._prepare(scenario)
        before = self.project.stamps()
        peak = None
        if memory.can_measure():
            peak = memory.peak_of(self.argv, self.project.folder, self.terms.limit)
        else:
            cost_of(self.argv, self.project.folder, self.terms.limit)
        made = made_anew(before, self.project.stamps())
        self.project.check()
        check_ran(scenario, made)
        self.tried[scenario.name] = (made, peak)

    def measure(self, scenario: Scenario) -> Cost:
        """One run that counts. Raises CommandFailed."""
        self._prepare(scenario)
        return cost_of(self.argv, self.project.folder, self.terms.limit)

    def _prepare(self, scenario: Scenario) -> None:
        scenario.prepare(self.project)
        if scenario is not NO_OP:
            # What another tool wrote goes to the disk now, not in this one's time.
            os.sync()


def contest(
    tools: Sequence[Installed], graph: Graph, scenarios: Sequence[Scenario], terms: Terms, work: Path, out: LeftOut
) -> tuple[list[Entry], dict[str, float]]:
    """All tools on one graph; what was measured, and how long each took for the first build. Adds to ``out``."""
    field_of = _set_up(tools, graph, terms, work, out)
    builds = {each.name: each.build_wall for each in field_of}
    entries = []
    for scenario in scenarios:
        if graph.sources or not scenario.needs_files:
            entries += _play(field_of, scenario, terms, out)
    return entries, builds


def _set_up(tools: Sequence[Installed], graph: Graph, terms: Terms, work: Path, out: LeftOut) -> list[Competitor]:
    ready = []
    for installed in tools:
        if installed.name in out.why:
            continue
        say(f"{graph.shape}, {len(graph.jobs)} tasks: {installed.name} builds for the first time")
        each = Competitor(installed, graph, work / installed.name, terms)
        if _succeeds(each, each.prove, out):
            ready.append(each)
    return ready


def _play(field_of: list[Competitor], scenario: Scenario, terms: Terms, out: LeftOut) -> list[Entry]:
    """All rounds of one scenario; each begins with another tool. Who fails leaves ``field_of``."""
    for each in list(field_of):
        if not _succeeds(each, partial(each.try_out, scenario), out):
            field_of.remove(each)
    entries = {each.name: _entry(each, scenario) for each in field_of}
    for number in range(terms.rounds):
        say(f"{scenario.name}, round {number + 1} of {terms.rounds}")
        first = number % max(len(field_of), 1)
        for each in field_of[first:] + field_of[:first]:
            if not _succeeds(each, partial(_add_cost, entries[each.name], each, scenario), out):
                field_of.remove(each)
                del entries[each.name]
    return list(entries.values())


def _add_cost(entry: Entry, each: Competitor, scenario: Scenario) -> None:
    entry.costs.append(each.measure(scenario))


def _succeeds(each: Competitor, act: Callable[[], None], out: LeftOut) -> bool:
    """Whether ``act`` did; else the tool is out, and it is known why."""
    graph = each.project.graph
    try:
        act()
    except TookTooLong:
        fault = f"a run took more than {each.terms.limit:.0f} s"
    except (CommandFailed, WentWrong) as found:
        fault = str(found)
    else:
        return True
    out.why[each.name] = f"left out from {graph.shape} graphs of {len(graph.jobs)} tasks on: {fault}"
    say(f"{each.name} is {out.why[each.name]}")
    return False


def say(line: str) -> None:
    """How far it is; the tables alone are on stdout."""
    print(line, file=sys.stderr, flush=True)


def _entry(each: Competitor, scenario: Scenario) -> Entry:
    made, peak = each.tried[scenario.name]
    graph = each.project.graph
    return Entry(graph.shape, len(graph.jobs), scenario.name, each.name, made, peak)
