"""A Taskfile (of go-task) as a draft manifest.

Knows version 3 of its schema as far as exarp can say the same, and the plain uses of its templates: ``{{.NAME}}``. Source:
taskfile.dev/reference/schema. Evaluates no template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from exarp.errors import ManifestError, Place, Problem
from exarp.manifests.foreign.draft import Draft, DraftTask, UnconvertibleError, task_name, unique
from exarp.manifests.foreign.shell_text import arguments, reference, tidy
from exarp.model.name import variable_fault

_TEMPLATE = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_VARIABLE = re.compile(r"\.([A-Za-z_]\w*)")
_DEFAULT = re.compile(
    r"""(?:\.([A-Za-z_]\w*)\s*\|\s*default\s+["']([^"'}]*)["']|default\s+["']([^"'}]*)["']\s+\.([A-Za-z_]\w*))"""
)
# What go-task itself provides, as the shell has it; the folder is that of the manifest.
_PROVIDED = {"TASKFILE_DIR": "PWD", "ROOT_DIR": "PWD", "USER_WORKING_DIR": "PWD"}
_IGNORED = frozenset(
    ("version", "silent", "run", "method", "output", "interval", "summary", "label", "prefix", "watch", "failfast")
)
_REFUSED = {
    "for": "a loop has no counterpart: a task with a matrix is one task for each value",
    "set": "shell options have no counterpart: set them in the script",
    "shopt": "shell options have no counterpart: set them in the script",
    "status": "what makes a task up to date are its inputs and outputs",
    "if": "a condition on a command has no counterpart",
}
# A Taskfile written by people has some hundreds.
_MOST_NODES = 200_000


def convert_taskfile(text: str, file: str) -> Draft:
    """The draft of a Taskfile's text. Raises ManifestError where it is no YAML mapping."""
    draft = Draft(file, "task")
    node = _mapping(text, file)
    _Converter(draft, node).convert()
    return draft


def _mapping(text: str, file: str) -> yaml.MappingNode:
    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file, 1, 1)
        message = f"this is not YAML: {error.problem}"
        raise ManifestError(Problem("syntax", message, place, "correct it, then import it")) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ManifestError(Problem("syntax", f"this is not YAML: {error}", Place(file, 1, 1), "correct it")) from None
    if not isinstance(node, yaml.MappingNode):
        raise ManifestError(Problem("syntax", "a Taskfile is a mapping", Place(file, 1, 1), "name a Taskfile"))
    if _size(node, {}) > _MOST_NODES:
        raise ManifestError(Problem("syntax", "its aliases make it too large", Place(file, 1, 1), "write out less"))
    return node


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many nodes there are with every alias written out."""
    if id(node) not in known:
        known[id(node)] = _MOST_NODES  # what contains itself has no end
        inner = [each for pair in node.value for each in pair] if isinstance(node, yaml.MappingNode) else node.value
        if isinstance(node, yaml.ScalarNode):
            inner = []
        known[id(node)] = 1 + sum(_size(each, known) for each in inner)
    return known[id(node)]


class _Converter:
    def __init__(self, out: Draft, root: yaml.MappingNode) -> None:
        self.out = out
        self.root = dict(_entries(root))
        self.names: dict[str, str] = {}
        self.env: dict[str, str] = {}

    def convert(self) -> None:
        """Convert everything."""
        self.out.settings["shell"] = ["sh", "-c"]
        for key, node in self.root.items():
            if key == "vars":
                self.variables(node)
            elif key == "env":
                self.env = self.environment(node)
            elif key == "dotenv":
                self.out.settings["dotenv"] = [str(each) for each in _plain(node)]
            elif key == "includes":
                for name, value in _entries(node):
                    self.leave(value, f"includes: {name}", "import that Taskfile by itself, then include its manifest")
            elif key in _REFUSED:
                self.leave(node, key, _REFUSED[key])
            elif key not in _IGNORED and key != "tasks":
                self.leave(node, key, "this key has no counterpart")
        tasks = [*_entries(self.root["tasks"])] if "tasks" in self.root else []
        self.out.found = len(tasks)
        for name, _ in tasks:
            self.names[name] = task_name(name, self.names.values())
        for name, node in tasks:
            self.task(name, node)
        if any(task.name == "default" for task in self.out.tasks):
            self.out.settings = {"default": ["default"], **self.out.settings}

    def leave(self, node: yaml.Node, text: str, why: str) -> None:
        self.out.leave(node.start_mark.line + 1, text, why)

    # -- variables ---------------------------------------------------------------------------------------------

    def variables(self, node: yaml.Node) -> None:
        for name, value in _entries(node):
            try:
                self.out.variables[name] = self.variable(name, value)
            except UnconvertibleError as error:
                self.leave(value, f"vars: {name}", str(error))

    def variable(self, name: str, node: yaml.Node) -> Any:
        if variable_fault(name) is not None:
            raise UnconvertibleError("a variable cannot have this name")
        if isinstance(node, yaml.MappingNode):
            plain = _plain(node)
            if set(plain) == {"sh"}:
                return {"run": self.script(str(plain["sh"]), set())}
            raise UnconvertibleError("this kind of variable has no counterpart")
        if isinstance(node, yaml.SequenceNode):
            return [self.field(str(each)) for each in _plain(node)]
        return self.field(_text(_plain(node)), name)

    def environment(self, node: yaml.Node) -> dict[str, str]:
        found = {}
        for name, value in _entries(node):
            try:
                if isinstance(value, yaml.MappingNode | yaml.SequenceNode):
                    raise UnconvertibleError("only text can be in the environment")
                found[name] = self.field(_text(_plain(value)))
            except UnconvertibleError as error:
                self.leave(value, f"env: {name}", str(error))
        return found

    def field(self, text: str, own: str = "") -> str:
        """A text with templates as the value of a field; ``own``: the variable whose value it is. Raises UnconvertibleError."""

        def use(found: re.Match[str]) -> str:
            if default := _DEFAULT.fullmatch(found[1]):
                name, value = default[1] or default[4], default[2] if default[1] else default[3]
                if name == own or name not in self.out.variables:
                    return f"${{env.{name}:-{value}}}"
            if variable := _VARIABLE.fullmatch(found[1]):
                if variable[1] in _PROVIDED:
                    return "."
                return f"${{{variable[1]}}}" if variable[1] in self.out.variables else f"${{env.{variable[1]}:-}}"
            raise UnconvertibleError(f"the template {found[0]} has no counterpart")

        pieces, at = [], 0
        for found in _TEMPLATE.finditer(text):
            pieces += [text[at : found.start()].replace("${", "$${"), use(found)]
            at = found.end()
        return "".join([*pieces, text[at:].replace("${", "$${")])

    def script(self, text: str, own: set[str]) -> str:
        """A command with shell variables for its templates; ``own``: those of the task. Raises UnconvertibleError."""
        pieces, at = [], 0
        for found in _TEMPLATE.finditer(text):
            pieces.append(text[at : found.start()])
            at = found.end()
            variable = _VARIABLE.fullmatch(found[1])
            before, after = "".join(pieces), text[at : at + 1]
            if variable is None:
                raise UnconvertibleError(f"the template {found[0]} has no counterpart")
            if variable[1] == "CLI_ARGS":
                pieces.append(arguments(before))
            else:
                name = _PROVIDED.get(variable[1], variable[1])
                if name not in own and name not in self.out.variables and name != "PWD":
                    # go-task takes it from the environment, and makes nothing of one that is not there.
                    self.out.variables[name] = f"${{env.{name}:-}}"
                pieces.append(reference(name, before, after))
        return tidy("".join([*pieces, text[at:]]))

    # -- tasks -------------------------------------------------------------------------------------------------

    def task(self, name: str, node: yaml.Node) -> None:
        task = DraftTask(self.names[name], node.start_mark.line + 1)
        if self.names[name] != name:
            task.notes.append(f"task {name}")
        try:
            if "*" in name:
                raise UnconvertibleError("a name with a wildcard has no counterpart")
            entries = dict(_entries(node)) if isinstance(node, yaml.MappingNode) else {"cmds": node}
            _Task(self, task, name, entries).convert()
        except UnconvertibleError as error:
            self.leave(node, name, str(error))
            return
        if not task.keys.keys() & {"run", "needs"}:
            self.leave(node, name, "it runs nothing and needs no other task")
            return
        self.out.tasks.append(task)

    def call(self, node: yaml.Node) -> str:
        """The task that a dependency names. Raises UnconvertibleError where it is called with variables."""
        plain = _plain(node)
        if isinstance(plain, Mapping):
            if set(plain) - {"task", "silent"}:
                raise UnconvertibleError(f"it calls {plain.get('task')} in a way of its own")
            plain = plain["task"]
        name = str(plain).removeprefix(":")
        if name not in self.names:
            raise UnconvertibleError(f"it needs {name}, which is not here")
        return self.names[name]


class _Task:
    """One task of a Taskfile."""

    def __init__(self, owner: _Converter, task: DraftTask, name: str, entries: dict[str, yaml.Node]) -> None:
        self.owner = owner
        self.task = task
        self.name = name
        self.entries = entries
        self.own: set[str] = set()

    def convert(self) -> None:
        """Fill in the task's keys. Raises UnconvertibleError."""
        keys, entries = self.task.keys, self.entries
        self.described()
        env = dict(self.owner.env)
        if "requires" in entries:
            self.required(entries["requires"])
        for key in ("env", "vars"):
            if key in entries:
                env |= self.owned(key, entries[key])
        needs = [self.owner.call(node) for node in _items(entries["deps"])] if "deps" in entries else []
        if "sources" in entries:
            keys["inputs"] = [self.pattern(node) for node in _items(entries["sources"])]
        if "generates" in entries:
            keys["outputs"] = [self.pattern(node) for node in _items(entries["generates"])]
        for key in entries:
            self.rarer(key)
        called, scripts = self.commands()
        if needs or called:
            keys["needs"] = unique([*needs, *called])
        if scripts:
            if env:
                keys["env"] = env
            keys["run"] = scripts[0] if len(scripts) == 1 else scripts
        elif "inputs" in keys or "outputs" in keys:
            keys.pop("inputs", None)
            keys.pop("outputs", None)

    def described(self) -> None:
        for key in ("desc", "summary"):
            if key in self.entries and "description" not in self.task.keys:
                self.task.keys["description"] = str(_plain(self.entries[key])).strip().partition("\n")[0]

    def required(self, node: yaml.Node) -> None:
        for each in _plain(node).get("vars", []):
            name, choices = (each.get("name"), each.get("enum")) if isinstance(each, Mapping) else (each, None)
            self.own.add(str(name))
            wanted: dict[str, Any] = {"required": True}
            if isinstance(choices, list):
                wanted["choices"] = [str(choice) for choice in choices]
            self.task.keys.setdefault("params", {})[str(name)] = wanted

    def owned(self, key: str, node: yaml.Node) -> dict[str, str]:
        """Variables of the task alone: in its environment, or a param where it has a default to be overridden."""
        found = {}
        for name, value in _entries(node):
            if isinstance(value, yaml.MappingNode | yaml.SequenceNode):
                raise UnconvertibleError(f"{key}: {name}: only text can be a variable of one task")
            self.own.add(name)
            text = _text(_plain(value))
            template = _TEMPLATE.fullmatch(text)
            default = _DEFAULT.fullmatch(template[1]) if template else None
            if default is not None and (default[1] or default[4]) == name:
                self.task.keys.setdefault("params", {})[name] = default[2] if default[1] else default[3]
            else:
                found[name] = self.owner.field(text)
        return found

    def pattern(self, node: yaml.Node) -> str:
        plain = _plain(node)
        if isinstance(plain, Mapping):
            if set(plain) != {"exclude"}:
                raise UnconvertibleError("this kind of pattern has no counterpart")
            return f"!{self.owner.field(str(plain['exclude']))}"
        return self.owner.field(str(plain))

    def rarer(self, key: str) -> None:
        node, keys = self.entries[key], self.task.keys
        if key in ("aliases", "platforms", "dotenv"):
            keys[key] = [str(each) for each in _plain(node)]
        elif key in ("internal", "interactive"):
            if _plain(node) is True:
                keys[key] = True
        elif key == "ignore_error":
            if _plain(node) is True:
                keys["allow_failure"] = True
        elif key == "prompt":
            prompts = _plain(node)
            keys["confirm"] = prompts if isinstance(prompts, str) else " ".join(map(str, prompts))
        elif key == "dir":
            keys["cwd"] = self.owner.field(str(_plain(node)))
        elif key == "preconditions":
            keys["requires"] = [self.precondition(each) for each in _items(node)]
        elif key in _REFUSED:
            raise UnconvertibleError(_REFUSED[key])
        elif key not in _IGNORED and key not in (
            "cmds", "cmd", "deps", "desc", "sources", "generates", "vars", "env", "requires"
        ):  # fmt: skip
            raise UnconvertibleError(f"{key} has no counterpart")

    def precondition(self, node: yaml.Node) -> Any:
        plain = _plain(node)
        if isinstance(plain, str):
            return {"run": self.owner.script(plain, self.own)}
        found = {"run": self.owner.script(str(plain["sh"]), self.own)}
        if "msg" in plain:
            found["message"] = str(plain["msg"])
        return found

    def commands(self) -> tuple[list[str], list[str]]:
        """Tasks that are called first, and scripts. Raises UnconvertibleError where a task is called between scripts."""
        called: list[str] = []
        scripts: list[str] = []
        nodes = [*_items(self.entries["cmds"])] if "cmds" in self.entries else []
        nodes += [self.entries["cmd"]] if "cmd" in self.entries else []
        for node in nodes:
            plain = _plain(node)
            if isinstance(plain, str):
                scripts.append(self.owner.script(plain, self.own).strip())
            elif isinstance(plain, Mapping) and "task" in plain:
                if scripts:
                    raise UnconvertibleError(
                        f"it calls {plain['task']} after other commands: make a task of what goes before"
                    )
                called.append(self.owner.call(node))
            elif isinstance(plain, Mapping) and isinstance(plain.get("cmd"), str):
                scripts.append(self.command(plain))
            elif isinstance(plain, Mapping) and isinstance(plain.get("defer"), str):
                self.task.keys.setdefault("finally", []).append(self.owner.script(plain["defer"], self.own))
            else:
                raise UnconvertibleError("one of its commands is not understood")
        if len(called) > 1:
            self.task.notes.append(
                "what it called one after the other may now run side by side: add needs where the order matters"
            )
        return called, scripts

    def command(self, plain: Mapping[str, Any]) -> str:
        odd = set(plain) - {"cmd", "silent", "ignore_error"}
        if odd:
            raise UnconvertibleError(_REFUSED.get(sorted(odd)[0], f"{sorted(odd)[0]} of a command has no counterpart"))
        script = self.owner.script(plain["cmd"], self.own).strip()
        return f"{{ {script}; }} || :" if plain.get("ignore_error") is True else script


def _entries(node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), value


def _items(node: yaml.Node) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]


def _plain(node: yaml.Node) -> Any:
    """A node's value as Python has it. Raises UnconvertibleError for tags that only a program would know."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each) for each in node.value]
    if node.tag == "tag:yaml.org,2002:bool":
        return str(node.value).lower() in ("true", "yes", "on")
    return None if node.tag == "tag:yaml.org,2002:null" else node.value


def _text(plain: Any) -> str:
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return "" if plain is None else str(plain)
