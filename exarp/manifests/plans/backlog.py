"""Items of work with a status, as task states and wave plans have them, to tasks told in words.

Knows which of them are to be done, what done and held ones do to the others, and what is wrong with how they name each other.
Does not know the files that they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from exarp.errors import Place, Problem
from exarp.manifests.plans.reading import Names, renamed
from exarp.manifests.plans.statuses import Standing, priority
from exarp.manifests.problems.suggestions import Suggestions
from exarp.model.task import Task
from exarp.planning.holding import waiting


class Item(NamedTuple):
    """One item, as it is written: ``dependencies`` and ``parent`` are identifiers."""

    identifier: str
    status: str = ""
    priority: str = ""
    description: str = ""
    prose: str = ""
    tags: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    parent: str = ""


class Where(Protocol):
    """Finds places of items, by their index and a field of ``Item``."""

    def __call__(self, item: int, field: str = "", nth: int = 0) -> Place:
        """Where the item stands, its field, or the nth entry of that."""


class Backlog(NamedTuple):
    """``tasks`` to be done by the identifier of their item, in the order of the items; ``blocked`` and ``settled``: as a
    manifest has them; ``names``: of all items, by identifier."""

    tasks: dict[str, Task]
    blocked: dict[str, tuple[str, ...]]
    settled: dict[str, str]
    names: dict[str, str]
    problems: list[Problem]
    places: BacklogPlaces


def read_backlog(items: Sequence[Item], file: str, standing: Callable[[str], Standing], where: Where) -> Backlog:
    """What the items mean. ``file``: how messages name what they were read from; ``standing``: what a status means."""
    return _Reader(items, file, standing, where).backlog()


class BacklogPlaces:
    """See ``place.Places``. ``waves``: the place of each declared wave."""

    def __init__(
        self, file: str, items: Sequence[Item], indexes: Mapping[str, int], names: Mapping[str, str], where: Where
    ) -> None:
        self.file = file
        self.waves: list[Place] = []
        self._items = items
        self._names = names
        self._indexes = {names[identifier]: index for identifier, index in indexes.items()}
        self._where = where

    def key(self, *path: str | int) -> Place:
        """Where a task stands, or a field of it; or a wave."""
        if path[0] == "wave" and len(path) > 1 and isinstance(path[1], int) and path[1] < len(self.waves):
            return self.waves[path[1]]
        index = self._indexes.get(str(path[1])) if len(path) > 1 and path[0] == "task" else None
        if index is None:
            return Place(self.file, 1, 1)
        field = {"needs": "dependencies"}.get(str(path[2]), str(path[2])) if len(path) > 2 else ""
        return self._where(index, field)

    def value(self, *path: str | int) -> Place:
        """The same."""
        return self.key(*path)

    def entry(self, path: tuple[str | int, ...], wanted: str, nth: int = 0) -> Place:
        """Where a need stands."""
        index = self._indexes.get(str(path[1])) if len(path) > 2 and path[2] == "needs" else None
        if index is not None:
            for number, identifier in enumerate(self._items[index].dependencies):
                if self._names.get(identifier) == wanted:
                    return self._where(index, "dependencies", number)
        return self.key(*path)

    def advice(self, text: str) -> str:
        """Task states have no words of their own for a manifest's tables and keys."""
        return text


class _Reader:
    def __init__(self, items: Sequence[Item], file: str, standing: Callable[[str], Standing], where: Where) -> None:
        self.items = items
        self.where = where
        self.problems: list[Problem] = []
        self.suggestions = Suggestions()
        self.indexes: dict[str, int] = {}
        self.names: dict[str, str] = {}
        self._take_names()
        self.standing = {identifier: standing(items[index].status) for identifier, index in self.indexes.items()}
        self.places = BacklogPlaces(file, items, self.indexes, self.names, where)

    def backlog(self) -> Backlog:
        """Everything at once."""
        needs: dict[str, tuple[str, ...]] = {}
        for identifier, index in self.indexes.items():
            if self.standing[identifier] != "done":
                found = tuple(self._needs(identifier, index))
                if self.standing[identifier] == "open":
                    needs[identifier] = found
        held = [identifier for identifier, found in self.standing.items() if found == "held"]
        blocked = waiting(needs, held) if held else {}
        names = self.names
        return Backlog(
            tasks={identifier: self._task(identifier, before) for identifier, before in needs.items()},
            blocked={names[one]: tuple([names[each] for each in others]) for one, others in blocked.items()},
            settled={
                names[identifier]: self.items[self.indexes[identifier]].status
                for identifier, found in self.standing.items()
                if found != "open"
            },
            names=names,
            problems=self.problems,
            places=self.places,
        )

    def _take_names(self) -> None:
        names = Names()
        for index, item in enumerate(self.items):
            if not item.identifier:
                self.warn("this item has no id: it is left out", "give it one", self.where(index))
            elif item.identifier in self.indexes:
                message = f"the id {item.identifier!r} stands twice: the first one counts"
                self.warn(message, "give each an id of its own", self.where(index))
            else:
                self.indexes[item.identifier] = index
                name = self.names[item.identifier] = names.take(item.identifier)
                if name != item.identifier:
                    problem = renamed("task", item.identifier, name)
                    self.warn(problem.message, problem.next, self.where(index, "identifier"))

    def warn(self, message: str, step: str, place: Place) -> None:
        self.problems.append(Problem("plan-name", message, place, step, severity="warning"))

    def _needs(self, identifier: str, index: int) -> Iterator[str]:
        """Identifiers of what an item waits for and that is not done, its parent last; each once."""
        item = self.items[index]
        found: dict[str, None] = {}
        for number, need in enumerate(item.dependencies):
            self._add(found, identifier, need, "depends on", (index, "dependencies", number))
        if item.parent:
            self._add(found, identifier, item.parent, "is a part of", (index, "parent", 0))
        yield from found

    def _add(self, found: dict[str, None], identifier: str, need: str, verb: str, at: tuple[int, str, int]) -> None:
        if need == identifier:
            message = f"task {identifier!r} {verb} itself"
            self.problems.append(Problem("self-need", message, self.where(*at), "take it out"))
        elif need not in self.standing:
            message = f"task {identifier!r} {verb} {need!r}, which does not exist: it is left out"
            step = self.suggestions.did_you_mean(need, self.indexes) or "take it out, or add that task"
            self.problems.append(Problem("unknown-dependency", message, self.where(*at), step, severity="doubt"))
        elif self.standing[need] != "done":
            found[need] = None

    def _task(self, identifier: str, before: Iterable[str]) -> Task:
        item = self.items[self.indexes[identifier]]
        needs = [need for need in before if self.standing[need] == "open"]
        parent = item.parent if item.parent in needs and item.parent not in item.dependencies else ""
        return Task(
            name=self.names[identifier],
            description=" ".join(item.description.split()),
            prose=item.prose or item.description,
            priority=priority(item.priority),
            tags=item.tags,
            needs=tuple([self.names[need] for need in needs if need != parent]),
            parent=self.names[parent] if parent else "",
        )
