"""Which plans of phases wait for which.

Knows how plans name each other, and what is wrong with what they say: plans that do not exist, cycles, wave numbers that
contradict. Does not read files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from exarp.errors import Place, Problem, Related
from exarp.graph.cycles import find_cycles
from exarp.manifests.plans.frontmatter import Text
from exarp.manifests.plans.source import Source
from exarp.manifests.problems.suggestions import Suggestions

_NUMBER = re.compile(r"\d+(?:\.\d+)*")


class Member(NamedTuple):
    """A plan as others see it. ``phase``: the index of its folder; ``names``: all that it may be called; ``wave``: the number of
    its wave and where that is written; ``matters``: whether it is still to be done."""

    name: str
    phase: int
    names: tuple[str, ...]
    source: Source
    wave: int | None
    wave_at: tuple[int, int]
    depends_on: Sequence[Text]
    matters: bool


class Link(NamedTuple):
    """A plan waits for another (both by index): ``text`` says so."""

    later: int
    earlier: int
    text: Text


class Links:
    """The plans of all phases, by what they may be called. ``folders``: the phases' names; ``elsewhere``: names of plans that
    lie beside those that were read."""

    def __init__(
        self, members: Sequence[Member], folders: Sequence[str], elsewhere: Callable[[], Collection[str]]
    ) -> None:
        self.members = members
        self.problems: list[Problem] = []
        self._look_elsewhere = elsewhere
        self._suggestions = Suggestions()
        self._known: dict[str, list[int]] = {}
        self._phases: dict[str, list[int]] = {}
        self._plans: dict[int, list[int]] = {}
        self._short: dict[tuple[int, str], int] = {}
        for index, member in enumerate(members):
            self._plans.setdefault(member.phase, []).append(index)
            self._short.setdefault((member.phase, _bare(member.name).rpartition("-")[2]), index)
            for name in member.names:
                self._known.setdefault(_bare(name), []).append(index)
        for phase, folder in enumerate(folders):
            number = _NUMBER.match(folder)
            for name in {_bare(folder), _bare(f"phase-{number[0]}") if number else ""} - {""}:
                self._phases.setdefault(name, self._plans.get(phase, []))

    def find(self, text: str, phase: int) -> list[int]:
        """The plans that a text means when a plan of a phase says it; none where there are none."""
        name = _bare(text)
        found = self._known.get(name, [])
        near = [index for index in found if self.members[index].phase == phase]
        if len(near) > 1:
            # 08-03 and 8-3 are two ways to write one plan, unless there are both.
            near.sort(key=lambda index: text.strip() not in self.members[index].names)
        if near or found:
            return near[:1] or found[:1]
        return self._in_phase(name, phase) or self._phases.get(name, []) or self._phases.get(f"phase-{name}", [])

    def all(self) -> list[Link]:
        """Every dependency on a plan that exists, but for those that make cycles. Problems are collected."""
        found: dict[tuple[int, int], Link] = {}
        for later, member in enumerate(self.members):
            for text in member.depends_on:
                for earlier in self._meant(later, text):
                    found.setdefault((later, earlier), Link(later, earlier, text))
        self._refuse_cycles(found)
        for link in found.values():
            self._doubt_number(link)
        return list(found.values())

    @cached_property
    def _elsewhere(self) -> Collection[str]:
        return {_bare(name) for name in self._look_elsewhere()}

    def _in_phase(self, name: str, phase: int) -> list[int]:
        """A plan of the same phase by its own number alone: ``02`` of ``08-02``."""
        index = self._short.get((phase, name)) if _NUMBER.fullmatch(name) else None
        return [] if index is None else [index]

    def _meant(self, later: int, text: Text) -> list[int]:
        member = self.members[later]
        found = self.find(text.text, member.phase)
        if later in found:
            if len(found) == 1:
                message = f"plan {member.name!r} depends on itself"
                self.problems.append(Problem("self-need", message, self._place(later, text), "take it out"))
            return [index for index in found if index != later]
        if not found and _bare(text.text) not in self._elsewhere:
            message = f"plan {member.name!r} depends on {text.text!r}, which does not exist: it is left out"
            step = self._suggestions.did_you_mean(text.text, [each.name for each in self.members])
            step = step or "take it out, or add that plan"
            self.problems.append(
                Problem("unknown-dependency", message, self._place(later, text), step, severity="doubt")
            )
        return found

    def _place(self, member: int, text: Text) -> Place:
        return self.members[member].source.place(text.start, text.end)

    def _refuse_cycles(self, links: dict[tuple[int, int], Link]) -> None:
        before: list[list[int]] = [[] for _ in self.members]
        for later, earlier in links:
            if self.members[later].matters and self.members[earlier].matters:
                before[later].append(earlier)
        for cycle in find_cycles(before):
            edges = [links[later, earlier] for earlier, later in pairwise((cycle[-1], *cycle))]
            names = [self.members[index].name for index in (*cycle, cycle[0])]
            related = tuple(
                Related(
                    self._place(link.later, link.text),
                    f"{self.members[link.later].name} depends on {self.members[link.earlier].name}",
                )
                for link in edges
            )
            message = f"{' → '.join(names)} is a cycle"
            self.problems.append(Problem("cycle", message, related[0].place, "take one of these edges out", related))
            for link in edges:
                links.pop((link.later, link.earlier), None)

    def _doubt_number(self, link: Link) -> None:
        """A plan must have a higher number than those of its phase that it waits for, and lie in no earlier phase."""
        later, earlier = self.members[link.later], self.members[link.earlier]
        if not (later.matters and earlier.matters):
            return
        if later.phase < earlier.phase:
            message = f"plan {later.name!r} depends on {earlier.name!r}, which is in a later phase"
            step = "move one of them to the other phase, or take the dependency out"
            self._contradiction(message, step, link, ())
            return
        if later.phase > earlier.phase or later.wave is None or earlier.wave is None or later.wave > earlier.wave:
            return
        too = " too" if later.wave == earlier.wave else ""
        message = f"plan {later.name!r} of wave {later.wave} depends on {earlier.name!r}, which is of wave {earlier.wave}{too}"
        related = Related(earlier.source.place(*earlier.wave_at), f"the wave of {earlier.name}")
        step = f"give it wave {earlier.wave + 1} or higher, or take the dependency out"
        self._contradiction(message, step, link, (related,))

    def _contradiction(self, message: str, step: str, link: Link, related: tuple[Related, ...]) -> None:
        place = self._place(link.later, link.text)
        self.problems.append(Problem("wave-number", message, place, step, related, "doubt"))


def names_by_plan(links: Sequence[Link], members: Sequence[Member]) -> Mapping[str, list[str]]:
    """For each plan that is still to be done the plans that it waits for, done ones left out."""
    found: dict[str, list[str]] = {member.name: [] for member in members}
    for link in links:
        found[members[link.later].name].append(members[link.earlier].name)
    return found


def _bare(text: str) -> str:
    """What two ways to write a plan's name have in common: ``08-02-PLAN.md`` and ``8-2``."""
    name = re.sub(r"[\s_]+", "-", text.strip().lower().rsplit("/", 1)[-1])
    name = name.removesuffix(".md").removesuffix("-plan").removeprefix("plan-")
    return re.sub(r"\b0+(?=\d)", "", name)
