"""Files of plans and task states: which they are, in a folder or by their names.

Knows names and where to look. Reads nothing but names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["phases", "wave-plans", "todo2"]

PHASE_PLAN = "-PLAN.md"
WAVE_PLAN = ".plan.md"
TODO2_JSON = ".todo2.json"
TODO2_STATES = ("todo2.db", f"state{TODO2_JSON}")
TODO2_FOLDER = ".todo2"


class PlanFile(NamedTuple):
    """A file: absolute path, its name, and the folder that it lies in, seen from the folder that was named."""

    path: str
    name: str
    folder: str


def kind_of(name: str) -> Kind | None:
    """What a file of this name is, if it is a plan or a task state."""
    if name.endswith(PHASE_PLAN):
        return "phases"
    if name.endswith(WAVE_PLAN):
        return "wave-plans"
    return "todo2" if name == "todo2.db" or name.endswith(TODO2_JSON) else None


def plans_in(folder: str) -> tuple[Kind, list[PlanFile]] | None:
    """What a folder holds, and its files in their order: a task state, phases or a phase, wave plans; None for none of these."""
    return next(all_plans_in(folder), None)


def all_plans_in(folder: str) -> Iterator[tuple[Kind, list[PlanFile]]]:
    """The same, for a folder that holds several kinds."""
    for place in (folder, os.path.join(folder, TODO2_FOLDER)):
        for name in TODO2_STATES:
            path = os.path.join(place, name)
            if os.path.isfile(path):
                yield "todo2", [PlanFile(path, name, "")]
    names = _names(folder)
    kinds: tuple[tuple[Kind, str], ...] = (("phases", PHASE_PLAN), ("wave-plans", WAVE_PLAN))
    for kind, suffix in kinds:
        found = list(_files(folder, names, suffix))
        if kind == "phases":
            found += [
                file
                for name in names
                for file in _files(os.path.join(folder, name), _names(os.path.join(folder, name)), suffix, name)
            ]
        if found:
            yield kind, found


def phase_of(path: str) -> PlanFile:
    """One phase plan, which its folder is the phase of."""
    return PlanFile(path, os.path.basename(path), os.path.basename(os.path.dirname(path)))


def beside(path: str) -> list[str]:
    """Names of phase plans in the folder of ``path``, and in those beside it."""
    above = os.path.dirname(path)
    found = list(_names(above))
    for name in _names(os.path.dirname(above)):
        found += _names(os.path.join(os.path.dirname(above), name))
    return [name for name in found if name.endswith(PHASE_PLAN)]


def _files(folder: str, names: list[str], suffix: str, shown: str = "") -> Iterator[PlanFile]:
    for name in names:
        path = os.path.join(folder, name)
        if name.endswith(suffix) and not name.startswith(".") and os.path.isfile(path):
            yield PlanFile(path, name, shown or os.path.basename(folder))


def _names(folder: str) -> list[str]:
    """What a folder holds, in natural order; nothing where it is none, or cannot be read."""
    try:
        return sorted(os.listdir(folder), key=_natural)
    except OSError:
        return []


def _natural(name: str) -> list[tuple[int, int | str]]:
    """So that 9 comes before 10."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"([0-9]+)", name) if part]
