"""Templates: fields that several tasks have in common.

Knows how a task and the templates that it extends become one table, and in which order they are asked for a field. Does not
know what fields mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import asdict

from exarp.errors import Problem, Related
from exarp.manifests.document import Document, TaskDocument
from exarp.manifests.problems.positions import KeyPath
from exarp.manifests.problems.suggestions import Suggestions
from exarp.manifests.tasks.fields import Fields
from exarp.manifests.tasks.groups import without_idle

# Tables whose entries are taken one by one; anything else that a task says replaces what its templates say.
MERGED = frozenset({"env", "resources", "matrix", "params"})
# One of them is what a task does: who writes one takes none from a template.
COMMANDS = frozenset({"run", "argv", "prompt"})
# Nobody reads a task that rests on more, one above the other.
_DEEPEST = 100
_DEFAULTS: Mapping[str, Any] = asdict(TaskDocument())


class Templates:
    """The templates of one manifest. ``raw``: the document as it was parsed."""

    def __init__(self, document: Document, raw: Mapping[str, Any], values: Fields) -> None:
        self.chains: dict[str, tuple[str, ...]] = {}
        self._templates = document.template
        self._raw = raw
        self._fields = values
        self._above: dict[str, tuple[str, ...] | None] = {}
        self._merged: dict[tuple[str, ...], dict[str, Any]] = {}
        self._suggestions = Suggestions()

    def check(self) -> None:
        """Tell of templates that extend what does not exist, or themselves; also of those that no task extends."""
        for name in self._templates:
            self._chain_of(name)

    def applied(self, name: str, written: TaskDocument) -> TaskDocument:
        """A task with the fields of all that it extends as its defaults; what cannot be extended is told.

        What templates say of commands means nothing to a task that has none: they are for several tasks, this is for one.
        """
        found = self._chain(("task", name), written.extends, ())
        chain = self.chains[name] = found or ()
        own = self._written("task", name, written)
        if found is None:
            return TaskDocument(**_forgiven(own))
        return TaskDocument(**without_idle(_over(self._fields_of(chain), own), own))

    def _fields_of(self, chain: tuple[str, ...]) -> dict[str, Any]:
        """What a chain of templates says together; the first of them wins."""
        if not chain:
            return {}
        if chain not in self._merged:
            first = chain[0]
            own = self._written("template", first, self._templates[first])
            self._merged[chain] = _over(self._fields_of(chain[1:]), own)
        return self._merged[chain]

    def _written(self, kind: str, name: str, document: TaskDocument) -> dict[str, Any]:
        """The fields that a table says, also where it says what holds without it."""
        tables = self._raw.get(kind)
        table = tables.get(name) if isinstance(tables, dict) else None
        keys: Iterable[str] = table if isinstance(table, dict) else ()
        return {
            field: getattr(document, field)
            for field, default in _DEFAULTS.items()
            if field != "extends" and (field in keys or getattr(document, field) != default)
        }

    def _chain(self, path: KeyPath, extends: str | Sequence[str], inside: tuple[str, ...]) -> tuple[str, ...] | None:
        """Templates that a table extends, directly or not, the one that wins first; None where one cannot be had."""
        found: list[str] = []
        is_sound = True
        names = (extends,) if isinstance(extends, str) else extends
        for index, name in reversed(list(enumerate(names))):
            place: KeyPath = (*path, "extends") if isinstance(extends, str) else (*path, "extends", index)
            if not name and isinstance(extends, str):
                continue
            above = self._named(name, place, inside)
            is_sound = is_sound and above is not None
            found += [each for each in above or () if each not in found]
        return tuple(found) if is_sound else None

    def _named(self, name: str, place: KeyPath, inside: tuple[str, ...]) -> tuple[str, ...] | None:
        if name not in self._templates:
            step = (
                self._suggestions.did_you_mean(name, self._templates) or f"add [template.{name}], or take the name out"
            )
            self._fields.add("unknown-template", f"there is no template {name!r}", place, step)
            return None
        if name in inside:
            self._cycle(inside[inside.index(name) :])
            return None
        if len(inside) > _DEEPEST:
            message = f"more than {_DEEPEST} templates extend one another"
            self._fields.add("too-many-templates", message, place, "let them extend fewer")
            return None
        above = self._chain_of(name, inside)
        return None if above is None else (name, *above)

    def _chain_of(self, name: str, inside: tuple[str, ...] = ()) -> tuple[str, ...] | None:
        """The templates above a template."""
        if name not in self._above:
            extends = self._templates[name].extends
            self._above[name] = self._chain(("template", name), extends, (*inside, name))
        return self._above[name]

    def _cycle(self, cycle: tuple[str, ...]) -> None:
        steps = list(zip(cycle, (*cycle[1:], cycle[0]), strict=True))
        related = tuple(
            Related(self._fields.locator.entry(("template", name, "extends"), above), f"{name} extends {above}")
            for name, above in steps
        )
        message = f"{' → '.join([*cycle, cycle[0]])} is a cycle of templates"
        if len(cycle) == 1:
            message, related = f"template {cycle[0]!r} extends itself", related[:1]
        place, shown = related[0].place, related if len(cycle) > 1 else ()
        self._fields.problems.append(Problem("template-cycle", message, place, "take one of these words out", shown))


def _forgiven(own: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a task without what rests on templates that it does not have, and with a command, which they may have had."""
    kept = {field: value for field, value in own.items() if field != "matrix" and not _uses_variables(value)}
    return kept if COMMANDS & kept.keys() else {**kept, "run": ""}


def _uses_variables(value: Any) -> bool:
    return "${" in repr(value)


def _over(below: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``own`` fields, and those of ``below`` that they leave open."""
    found = {**below, **own}
    for field in MERGED & below.keys() & own.keys():
        found[field] = {**below[field], **own[field]}
    if not COMMANDS.isdisjoint(own):
        for field in COMMANDS - own.keys():
            found.pop(field, None)
    return found
