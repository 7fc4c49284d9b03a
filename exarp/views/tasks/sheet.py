"""``exarp show``: one task with everything filled in.

Knows which fields are worth a line (those that differ from the default). Does not resolve anything.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

import msgspec

from exarp.model.param import Param
from exarp.model.path import exact_name
from exarp.model.quantity import amount, exact_duration
from exarp.model.sheet import TaskSheet
from exarp.model.task import PRIORITIES, Requirement, Service, Task
from exarp.planning.artifacts import NOT_KEPT, why_not_kept
from exarp.views import escape, words
from exarp.views.json_line import json_line

_PLAIN = Task("")
_WORDED = frozenset(
    "name description prose dotenv commands verify argv prompt agent inputs excluded sources outputs depfile needs after env "
    "variables params shell resources cache".split()
)
_DURATIONS = frozenset({"retry_delay", "timeout"})
_WORDS = {number: word for word, number in PRIORITIES.items()}
_COLUMN = 15
_LONGEST = 20


def lines(sheet: TaskSheet) -> Iterator[str]:
    """A line a fact, in the order in which they matter."""
    task = sheet.task
    yield escape.name(task.name) + (f": {escape.name(task.description)}" if task.description else "")
    yield from _commands(task)
    if not task.is_group and task.prose is None:
        yield from _files(sheet)
    for label, values in (("needs", sheet.needs), ("after", sheet.after), ("needed by", sheet.needed_by)):
        if values:
            yield from _list(label, values)
    asked = {pool: amount(number) for pool, number in task.resources.items()}
    if task.params:
        yield from _list("params", tuple(_param(param) for param in task.params))
    params = {param.name for param in task.params}
    matrix = {name: value for name, value in task.variables.items() if name not in params}
    for label, pairs in (("matrix", matrix), ("env", task.env), ("resources", asked)):
        if pairs:
            yield from _list(label, tuple(f"{name}={value}" for name, value in pairs.items()))
    if not task.is_group:
        yield from _environment(sheet)
    if sheet.execution.fault:
        yield _row("cannot start", sheet.execution.fault)
    if sheet.wave is not None:
        yield _row("wave", sheet.wave)
    yield from _rest(task)
    if kept := _kept(task):
        yield _row("artifacts", kept)


def _param(param: Param) -> str:
    """``level=a, one of a, b: how much it says``."""
    value = "…" if param.value is None else param.value
    facts = [f"{param.name}={value}", *(["must be given"] if param.value is None else [])]
    if param.given and param.default is not None:
        facts.append(f"else {param.default}")
    if param.choices:
        facts.append(f"one of {' '.join(param.choices)}")
    return ", ".join(facts) + (f": {param.description}" if param.description else "")


def matrix_lines(name: str, instances: Sequence[str]) -> Iterator[str]:
    """The tasks of a matrix."""
    yield f"{escape.name(name)}: a matrix of {words.tasks(len(instances))}"
    yield from (f"  {escape.name(instance)}" for instance in instances)


def matrix_document(name: str, instances: Sequence[str]) -> bytes:
    """The tasks of a matrix as one JSON document."""
    return json_line({"version": 1, "matrix": name, "instances": list(instances)})


def _row(label: str, value: str) -> str:
    return f"  {label:<{_COLUMN}}{escape.name(value)}"


def _commands(task: Task) -> Iterator[str]:
    if task.argv:
        yield _row("runs", shlex.join(task.argv))
    if task.prompt:
        yield from _script("prompt", task.prompt)
        yield _row("agent", task.agent)
    for script in task.commands:
        yield from _script("runs", script)
    for script in task.verify:
        yield from _script("verify", script)
    if task.commands or task.verify:
        yield _row("with", shlex.join(task.shell))
    if task.prose is not None:
        yield _row("runs", "nothing: it is told in words, for a person or an agent")
        for number, line in enumerate(task.prose.splitlines()):
            yield f"  {'to do' if number == 0 else '':<{_COLUMN}}{escape.plain(line)}".rstrip()
    if task.is_group:
        yield _row("runs", "nothing itself: it gathers other tasks")


def _script(label: str, script: str) -> Iterator[str]:
    for number, line in enumerate(script.strip().splitlines() or [""]):
        yield f"  {label if number == 0 else '':<{_COLUMN}}{escape.plain(line)}"


def _files(sheet: TaskSheet) -> Iterator[str]:
    task = sheet.task
    yield from _list("in", sheet.inputs if task.inputs is not None else None)
    if sheet.missing:
        yield _row("missing", f"{sheet.missing}  {sheet.missing_at}".rstrip())
    if sheet.outputs or not sheet.matched:
        yield from _list("out", sheet.outputs if task.outputs is not None else None)
    if sheet.matched:
        # At least one file must match afterwards; which they are nobody knows before, so $out has none of them.
        yield from _list("out matching", sheet.matched)
    if sheet.depfile:
        yield _row("depfile", sheet.depfile)


_SOURCES = {
    "caller": "from your environment",
    "dotenv": "from a dotenv file",
    "task": "of this task",
    "vars": "from vars",
    "exarp": "from exarp",
}


def _environment(sheet: TaskSheet) -> Iterator[str]:
    if sheet.variables:
        yield from _list("variables", tuple(_variable(name, sheet) for name in sheet.variables))
    if sheet.dotenv:
        yield from _list("dotenv", tuple(it.file if it.there else f"{it.file}  (not there)" for it in sheet.dotenv))
    if sheet.execution.inherited is not None:
        yield _row("clean env", f"of your environment it gets {', '.join(sheet.execution.inherited) or 'nothing'}")


def _variable(name: str, sheet: TaskSheet) -> str:
    source = sheet.sources.get(name, "")
    if not source and name.startswith("EXARP_"):
        return f"{name}  (exarp may set it in a run)"
    return f"{name}={sheet.variables[name]}  ({_SOURCES.get(source, source)})" if source else f"{name}  (not set)"


def _list(label: str, values: tuple[str, ...] | None) -> Iterator[str]:
    if values is None:
        yield _row(label, "not declared")
        return
    if not values:
        yield _row(label, "none")
    for number, value in enumerate(values[:_LONGEST]):
        yield _row(label if number == 0 else "", value)
    if len(values) > _LONGEST:
        yield _row("", f"and {len(values) - _LONGEST} more")


def _rest(task: Task) -> Iterator[str]:
    for field in Task.__struct_fields__:
        value = getattr(task, field)
        if field not in _WORDED and value != getattr(_PLAIN, field):
            if field == "modifies" and task.prose is not None:
                value = tuple(map(exact_name, value))
            yield _row("finally" if field == "cleanup" else field.replace("_", " "), _said(field, value))


def _kept(task: Task) -> str:
    """Whether what it makes is kept, where that is not plain to see."""
    why = why_not_kept(task)
    if why in ("", "runs-nothing", "undeclared") and task.cache is None:
        return ""
    return f"none: {NOT_KEPT[why]}" if why else "kept"


def _said(field: str, value: object) -> str:
    """A field's value as the manifest has it."""
    if field == "requires" and isinstance(value, tuple):
        return ", ".join(_required(each) for each in value)
    if isinstance(value, Service):
        return _ready(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes"
    if field in _DURATIONS and isinstance(value, float):
        return exact_duration(value)
    return _WORDS.get(value, str(value)) if field == "priority" and isinstance(value, int) else str(value)


def _ready(service: Service) -> str:
    port = f"port {service.port} takes connections" if service.port else ""
    script = f"`{service.ready.strip()}` succeeds" if service.ready else ""
    when = " and ".join(filter(None, (port, script)))
    limit = f", within {exact_duration(service.timeout)}"
    return f"ready when {when}{limit}" if when else "ready once it is started"


def _required(required: Requirement) -> str:
    return required.program or f"`{required.run.strip()}`"


def document(sheet: TaskSheet) -> bytes:
    """The sheet as one JSON document."""
    return json_line({"version": 1, **msgspec.to_builtins(sheet)})
