"""Names that manifests use: every task, wave and default that is named must exist, once.

Knows the model only. Runs one pass over all tasks; places are looked up only for what is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from exarp.errors import Place, Problem
from exarp.manifests.document import wave_words
from exarp.manifests.problems.place import Locator, here_first
from exarp.manifests.problems.suggestions import Suggestions
from exarp.model.manifest import Manifest, WaveSpec
from exarp.model.name import prefix_of
from exarp.model.task import Task

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import KeyPath


def check_references(
    manifest: Manifest,
    locator: Locator,
    problems: list[Problem],
    broken: Collection[str] = (),
    unread: Sequence[str] | None = None,
) -> Manifest:
    """Append a problem for each name that does not exist or stands twice. ``broken``: matrices that are at fault.

    ``unread``: of a manifest whose files were joined, prefixes of those that could not be read; what may be one of their names
    is not told. Returns the manifest; where a file that stands alone has names that start at the root (``:name``), without
    their colon.
    """
    found: list[Problem] = []
    try:
        _References(manifest, locator, found, broken, unread).check()
    except _FromRoot:
        manifest = alone(manifest)
        found.clear()
        _References(manifest, locator, found, broken, ()).check()
    problems += found
    return manifest


class _FromRoot(Exception):
    """A name begins with a colon, which nobody has looked at yet."""


# More names in a message help nobody.
_SHOWN = 5


def alone(manifest: Manifest) -> Manifest:
    """The manifest of a file that stands alone, with ``:name`` as ``name``, which is the same there."""
    from exarp.manifests.inclusion.joining import join
    from exarp.manifests.inclusion.scope import Scope

    names = {task.name for task in manifest.tasks} | manifest.instances.keys()
    scope = Scope("", names, {wave.name for wave in manifest.waves})
    return join([(scope, manifest)], manifest.resources)


class _References:
    def __init__(
        self,
        manifest: Manifest,
        locator: Locator,
        problems: list[Problem],
        broken: Collection[str],
        unread: Sequence[str] | None,
    ) -> None:
        self.unread = unread
        self.manifest = manifest
        self.locator = locator
        self.problems = problems
        self.broken = broken
        self.told: set[tuple[str, Place]] = set()
        # The name of a matrix is left where it has no instances: in the parent of a task, and where it is at fault.
        self.names = {task.name for task in manifest.tasks} | {
            name for name in manifest.instances if not manifest.instances[name]
        }
        self.suggestions = Suggestions()
        # By alias, the first task that has it.
        self.aliases: dict[str, str] = {}

    def check(self) -> None:
        names = self.names
        for task in self.manifest.tasks:
            if task.needs and (not names.issuperset(task.needs) or task.name in task.needs):
                self.check_edges(task.name, "needs", "needs", task.needs)
            if task.after and (not names.issuperset(task.after) or task.name in task.after):
                self.check_edges(task.name, "after", "comes after", task.after)
            if task.parent and (task.parent not in names or task.parent == task.name):
                self.check_edges(task.name, "parent", "is a part of", (task.parent,))
            if task.sources and (not names.issuperset(task.sources) or task.name in task.sources):
                self.check_edges(task.name, "inputs", "takes inputs from", task.sources)
            if task.aliases:
                self.check_aliases(task)
        for name in _each(self.manifest.settings.default):
            if name not in names:
                self.unknown(f"default names task {name!r}, which does not exist", name, ("settings", "default"))
        self.check_waves()

    def check_edges(self, task: str, field: str, verb: str, others: Iterable[str]) -> None:
        path = ("task", task, field)
        for name in _each(others):
            if name in (task, task.partition("@")[0]):
                message = f"task {name!r} {verb} itself"
                self.tell(task, Problem("self-need", message, self.locator.entry(path, name), "take it out"))
            elif name not in self.names:
                self.unknown(f"task {task!r} {verb} {name!r}, which does not exist", name, path, task)

    def check_aliases(self, task: Task) -> None:
        """No alias may be a task's name, or another task's alias; the instances of a matrix share theirs."""
        path = ("task", task.name, "aliases")
        for index, alias in enumerate(task.aliases):
            owner = self.aliases.setdefault(alias, task.name)
            if alias in self.names or alias in self.manifest.instances:
                message = f"alias {alias!r} of task {task.name!r} is the name of a task"
                self.tell(task.name, Problem("duplicate-name", message, self.locator.entry(path, alias), "take it out"))
            elif alias in task.aliases[:index]:
                message = f"task {task.name!r} has the alias {alias!r} twice"
                place = self.locator.entry(path, alias, nth=1)
                self.tell(task.name, Problem("duplicate-name", message, place, "keep one of them"))
            elif owner.partition("@")[0] != task.name.partition("@")[0]:
                first = self.locator.entry(("task", owner, "aliases"), alias)
                message = f"tasks {owner!r} and {task.name!r} have the same alias: {alias!r}"
                self.twice("duplicate-name", message, self.locator.entry(path, alias), first)

    def unknown(self, message: str, name: str, path: KeyPath, task: str = "") -> None:
        matrix, at, _ = name.partition("@")
        if (at and matrix in self.broken) or self.may_be_unread(name):
            return
        meant = next((other.name for other in self.manifest.tasks if name in other.aliases), None)
        if meant is not None:
            message = message.replace("which does not exist", "which is only an alias, for the command line")
            step = f"write {meant.partition('@')[0]!r}"
            self.tell(task, Problem("unknown-task", message, self.locator.entry(path, name), step))
            return
        self.tell(task, Problem("unknown-task", message, self.locator.entry(path, name), self.meant(name, task)))

    def meant(self, name: str, task: str) -> str:
        """What to do about a name that does not exist."""
        matrix, at, value = name.partition("@")
        instances = self.manifest.instances.get(matrix)
        if at and instances:
            # Names of instances are alike in any case; what counts is how alike their values are.
            near = self.suggestions.nearest(value, [instance[len(matrix) + 1 :] for instance in instances])
            return f"{matrix} has {_some(instances)}" if near is None else f"did you mean '{matrix}@{near}'?"
        if at and matrix in self.names:
            return f"{matrix!r} has no matrix: name it without @"
        return self.suggestion(name, task) or "define it, or take the name out"

    def suggestion(self, name: str, task: str) -> str:
        """What was meant; of what an included file says first of all a task of its own, by the name that it has there."""
        own = self.local_names.get(prefix_of(task), ()) if ":" in task else ()
        found = self.suggestions.did_you_mean(name, own) if own else ""
        return found or self.suggestions.did_you_mean(name, self.names)

    @cached_property
    def local_names(self) -> Mapping[str, list[str]]:
        """By the prefix of a file the names that it has for its own tasks."""
        found: dict[str, list[str]] = {}
        for name in self.names:
            prefix = prefix_of(name)
            found.setdefault(prefix, []).append(name[len(prefix) :])
        return found

    def may_be_unread(self, name: str) -> bool:
        """Whether an unknown name may be one of a manifest that could not be read."""
        if self.unread is None and name[:1] == ":":
            raise _FromRoot
        if not self.unread:
            return False
        parts = name.removeprefix(":").split(":")
        heads = accumulate(f"{part}:" for part in parts)
        return any(head in self.unread_tails for head in heads) or ("" in self.unread and len(parts) > 1)

    @cached_property
    def unread_tails(self) -> Set[str]:
        """The prefixes that could not be read, as any file around them may write them."""
        return {prefix[at:] for prefix in self.unread or () for at in _starts(prefix)}

    def tell(self, task: str, problem: Problem) -> None:
        """Append a problem; of the instances of a matrix, and of who extends a template, one at each place is enough."""
        if problem.place is not None and ("@" in task or task in self.locator.chains):
            if (problem.slug, problem.place) in self.told:
                return
            self.told.add((problem.slug, problem.place))
        self.problems.append(problem)

    def check_waves(self) -> None:
        seen_waves: dict[str, int] = {}
        seen_tasks: dict[str, int] = {}
        names = {wave.name for wave in self.manifest.waves}
        for number, wave in enumerate(self.manifest.waves):
            if wave.name in seen_waves:
                first = self.locator.value("wave", seen_waves[wave.name], "name")
                place = self.locator.value("wave", number, "name")
                self.twice("duplicate-name", f"wave {wave.name!r} is declared twice", place, first)
            seen_waves.setdefault(wave.name, number)
            self.check_members(number, wave, seen_tasks)
            self.check_marking(number, wave, names)

    def check_members(self, number: int, wave: WaveSpec, seen: dict[str, int]) -> None:
        path = ("wave", number, "tasks")
        count: dict[str, int] = {}
        for name in wave.tasks:
            count[name] = count.get(name, 0) + 1
            if name not in self.names:
                if count[name] == 1:
                    self.unknown(f"{wave_words(wave.name)} lists {name!r}, which does not exist", name, path)
            elif name in seen:
                first = self.locator.entry(("wave", seen[name], "tasks"), name)
                place = self.locator.entry(path, name, nth=count[name] - 1)
                self.twice("task-in-two-waves", self.words_of_twice(name, seen[name], number), place, first, name)
            seen.setdefault(name, number)

    def words_of_twice(self, name: str, first: int, second: int) -> str:
        waves = self.manifest.waves
        if first == second:
            return f"{wave_words(waves[first].name)} lists task {name!r} twice"
        both = [wave_words(waves[number].name).removeprefix("wave ") for number in (first, second)]
        return f"task {name!r} is in two waves: {' and '.join(both)}"

    def check_marking(self, number: int, wave: WaveSpec, names: Collection[str]) -> None:
        for name in () if isinstance(wave.parallel, bool) else _each(wave.parallel):
            if name not in names and not self.may_be_unread(name):
                step = self.suggestions.did_you_mean(name, names) or "name a wave, or write true"
                place = self.locator.entry(("wave", number, "parallel"), name)
                message = f"{wave_words(wave.name)} is marked parallel with {name!r}, which is no wave"
                self.problems.append(Problem("unknown-wave", message, place, step))

    def twice(self, slug: str, message: str, place: Place, first: Place, task: str = "") -> None:
        self.tell(task, Problem(slug, message, place, "keep one of them", here_first(place, first)))


def _starts(prefix: str) -> list[int]:
    """Where the parts of a prefix begin."""
    return [0, *(at + 1 for at, char in enumerate(prefix[:-1]) if char == ":")] if prefix else []


def _some(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _each(names: Iterable[str]) -> Iterable[str]:
    """Each name once, in order: what is wrong with it need not be told again."""
    return dict.fromkeys(names)
