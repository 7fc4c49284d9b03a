"""What must hold before a task runs, as it is written, to what it means: ``when``, ``platforms``, ``requires``, ``confirm``;
and beside them ``finally`` and ``service``.

Knows the rules of these keys. Does not know the other keys of a task, nor what holds on this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import UnsetType

from exarp.manifests.document import RequirementDocument, ServiceDocument, TaskDocument
from exarp.manifests.tasks.fields import Fields
from exarp.model.name import nearest
from exarp.model.platform import canonical, known_names
from exarp.model.task import Requirement, Service

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import KeyPath

# What a service cannot have, and what to do instead.
_MADE = "let another task make the files"
_HELD = "give it to the tasks that use the service"
_NO_SERVICE = {
    "outputs": _MADE,
    "modifies": _MADE,
    "depfile": _MADE,
    "mutex": _HELD,
    "resources": _HELD,
    "retries": "take it out: a service that ends too early fails, once",
    "prompt": "give it run or argv: an agent comes to an end",
    "verify": "let a task that uses it verify it",
    "no_retry_on": "take it out: a service is not tried again",
    "timeout": "say timeout in service: how long it may take until it is ready",
    "interactive": "take it out: a service runs beside others",
    "daemon": "take it out: a service is ended with the run",
}
# Whoever looks more often keeps the machine busy with looking.
_SHORTEST = 0.02

CheckScript = Callable[[str, "KeyPath"], None]


def conditions(fields: Fields, written: TaskDocument, at: KeyPath, check_script: CheckScript) -> dict[str, Any]:
    """The fields of a task that these keys become; faults are collected."""
    found: dict[str, Any] = {}
    if written.when:
        check_script(written.when, (*at, "when"))
        found["when"] = written.when
    if written.platforms:
        found["platforms"] = _platforms(fields, written.platforms, (*at, "platforms"))
    if written.confirm:
        asked = written.confirm is True or fields.text(written.confirm, (*at, "confirm"))
        found["confirm"] = asked or True
    if not isinstance(written.cleanup, UnsetType):
        found["cleanup"] = scripts(written.cleanup, (*at, "finally"), check_script)
    if written.requires:
        found["requires"] = _requirements(fields, written.requires, (*at, "requires"), check_script)
    return found


def scripts(written: str | list[str], path: KeyPath, check_script: CheckScript) -> tuple[str, ...]:
    """What is written as one script, or as several; faults are collected."""
    if isinstance(written, str):
        check_script(written, path)
        return (written,)
    for index, script in enumerate(written):
        check_script(script, (*path, index))
    return tuple(written)


def check_service(fields: Fields, written: TaskDocument, at: KeyPath) -> None:
    """Tell of what a task that is a service cannot have."""
    for key in _NO_SERVICE:
        value = getattr(written, key)
        if not isinstance(value, UnsetType) and value:
            message = f"task {at[1]!r} is a service, so it has no {key}"
            fields.add("service-with", message, (*at, key), _NO_SERVICE[key], on_key=True)


def service(fields: Fields, written: TaskDocument, at: KeyPath, check_script: CheckScript) -> dict[str, Any]:
    """The fields of a task that is a service."""
    found: dict[str, Any] = {"retries": 0, "timeout": 0.0}
    if not isinstance(written.service, ServiceDocument):
        return {**found, "service": Service()}
    path, said = (*at, "service"), written.service
    if said.ready:
        check_script(said.ready, (*path, "ready"))
    made = Service(
        port=0 if isinstance(said.port, UnsetType) else fields.port(said.port, (*path, "port")),
        ready=said.ready,
        timeout=fields.duration(said.timeout, (*path, "timeout")),
        interval=max(fields.duration(said.interval, (*path, "interval")), _SHORTEST),
    )
    return {**found, "service": made}


def _platforms(fields: Fields, written: Sequence[str], path: KeyPath) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for index, name in enumerate(written):
        text = fields.text(name, (*path, index))
        if text is None:
            continue
        known = canonical(text)
        if known is None:
            from exarp.manifests.problems.fixes import respelt

            meant = nearest(text, known_names(text))
            step = f"did you mean {meant!r}?" if meant else 'write "linux", "macos", "arm64" or "linux/arm64"'
            fix = respelt(fields.locator, (*path, index), name, known_names(name)) if text == name else None
            fields.add("unknown-platform", f"{text!r} is no platform", (*path, index), step, fix=fix)
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
