"""What must hold before a task runs, as it is written, to what it means: ``when``, ``platforms``, ``requires``.

Knows the rules of these keys. Does not know the other keys of a task, nor what holds on this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from exarp.manifests.document import RequirementDocument, TaskDocument
from exarp.manifests.fields import Fields
from exarp.model.name import nearest
from exarp.model.platform import canonical, known_names
from exarp.model.task import Requirement

if TYPE_CHECKING:
    from exarp.manifests.positions import KeyPath

CheckScript = Callable[[str, "KeyPath"], None]


def conditions(fields: Fields, written: TaskDocument, at: KeyPath, check_script: CheckScript) -> dict[str, Any]:
    """The fields of a task that these keys become; faults are collected."""
    found: dict[str, Any] = {}
    if written.when:
        check_script(written.when, (*at, "when"))
        found["when"] = written.when
    if written.platforms:
        found["platforms"] = _platforms(fields, written.platforms, (*at, "platforms"))
    if written.requires:
        found["requires"] = _requirements(fields, written.requires, (*at, "requires"), check_script)
    return found


def _platforms(fields: Fields, written: Sequence[str], path: KeyPath) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for index, name in enumerate(written):
        text = fields.text(name, (*path, index))
        if text is None:
            continue
        known = canonical(text)
        if known is None:
            meant = nearest(text, known_names(text))
            step = f"did you mean {meant!r}?" if meant else 'write "linux", "macos", "arm64" or "linux/arm64"'
            fields.add("unknown-platform", f"{text!r} is no platform", (*path, index), step)
        else:
            found[known] = None
    # Where all of them are at fault, it must not seem to be for every platform; nothing runs then anyway.
    return tuple(found)


def _requirements(
    fields: Fields, written: Sequence[str | RequirementDocument], path: KeyPath, check_script: CheckScript
) -> tuple[Requirement, ...]:
    found = []
    for index, entry in enumerate(written):
        at = (*path, index)
        if isinstance(entry, RequirementDocument):
            check_script(entry.run, (*at, "run"))
            message = fields.text(entry.message, (*at, "message")) or ""
            if not entry.run.strip():
                step = 'write { run = "COMMAND" }, or take the entry out'
                fields.add("bad-requirement", "an empty command requires nothing", (*at, "run"), step)
            found.append(Requirement(run=entry.run, message=message))
            continue
        program = fields.text(entry, at)
        if program is None:
            continue
        if not program or any(character.isspace() for character in program):
            message = f"{program!r} is no name of a program" if program else "the name of a program cannot be empty"
            step = (
                f'for a command, write {{ run = "{program}" }}' if program.strip() else "name a program, or take it out"
            )
            fields.add("bad-requirement", message, at, step)
        else:
            found.append(Requirement(program=program))
    return tuple(found)
