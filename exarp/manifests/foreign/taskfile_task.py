"""One task of a Taskfile as a task of a manifest.

Knows a task's keys, and how exarp says in which order its commands and the tasks that it calls are done. Does not know the rest
of the file (``taskfile``), nor what a template means (``taskfile_templates``).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import yaml

from exarp.manifests.foreign.draft import DraftTask, UnconvertibleError, task_name, unique
from exarp.manifests.foreign.taskfile_file import File, shell
from exarp.manifests.foreign.taskfile_templates import Binding, Scope, mentioned
from exarp.manifests.foreign.taskfile_text import as_text, command_of, entries, is_true, items, plain, text_of, texts_of
from exarp.model.name import variable_fault

IGNORED = frozenset(
    ("version", "silent", "run", "method", "output", "interval", "summary", "label", "prefix", "watch", "failfast")
)
REFUSED = {
    "set": "shell options have no counterpart here: set them in the script",
    "shopt": "shell options have no counterpart here: set them in the script",
    "if": "a condition on a command has no counterpart",
}
_READ = frozenset(
    ("cmds", "cmd", "deps", "desc", "sources", "generates", "vars", "env", "requires", "set", "shopt", "status")
)
# What a task that is done as a part of another may say.
_PLAIN = frozenset(("description", "aliases", "internal", "env", "params", "run", "needs", "cwd", "tags"))
_MOST_INLINE = 40
_MOST_PARTS = 10_000
# Tasks that are called with variables by such tasks.
_DEEPEST = 20
_LISTS = re.compile(r"^task\s+(?:--list|--list-all|-l|-a)$")


class TaskConverter:
    """Fills in a task's keys. ``given``: variables it is called with; ``callers``: whose part it becomes, if it does; ``done``:
    tasks, by their names in the manifest, that are done before it then."""

    def __init__(
        self,
        file: File,
        task: DraftTask,
        name: str,
        given: Mapping[str, Binding] | None = None,
        callers: tuple[str, ...] = (),
        done: Collection[str] = (),
    ) -> None:
        self.file = file
        self.templates = file.templates
        self.task = task
        self.name = name
        self.entries = file.entries(name)
        self.given = given or {}
        self.callers = callers
        self.done = done
        self.scope = Scope(name, dict(self.given), file.templates.root)
        self.env: dict[str, str] = {}
        self.called: list[str] = []
        self.in_turn: list[str] = []
        self.scripts: list[str] = []
        self.only_calls = True

    def convert(self) -> None:
        """Fill in the task's keys. Raises UnconvertibleError."""
        keys, found = self.task.keys, self.entries
        self.described()
        self.env = dict(self.file.env)
        if not self.callers:
            self.env |= {name: each.field for name, each in self.given.items() if each.field is not None}
        if "requires" in found:
            self.required(found["requires"])
        for name, value in entries(found["vars"]) if "vars" in found else ():
            self.variable(name, value)
        for name, value in entries(found["env"]) if "env" in found else ():
            self.env[name] = self.in_environment(name, value)
        needs = [each for node in items(found["deps"]) for each in self.needed(node)] if "deps" in found else []
        for key in found:
            self.rarer(key)
        if "sources" in found:
            keys["inputs"] = [self.pattern(node) for node in items(found["sources"])]
        if "generates" in found:
            keys["outputs"] = [self.pattern(node) for node in items(found["generates"])]
        self.called = needs
        self.commands(len(needs))
        if self.called:
            keys["needs"] = unique(self.called)
        if self.scripts:
            if self.env:
                keys["env"] = self.env
            keys["run"] = self.scripts[0] if len(self.scripts) == 1 else self.scripts
            self.own_shell()
        elif "inputs" in keys or "outputs" in keys:
            keys.pop("inputs", None)
            keys.pop("outputs", None)
        if self.in_turn and self.only_calls and len(self.in_turn) + len(self.called) > 1:
            self.task.notes.append(f"{_listed(self.in_turn)} here in turn: as needs they could run side by side")

    def described(self) -> None:
        for key in ("desc", "summary"):
            if key in self.entries and "description" not in self.task.keys:
                text = text_of(self.entries[key], key).strip().partition("\n")[0]
                if text and "{{" not in text:
                    self.task.keys["description"] = text

    def own_shell(self) -> None:
        if any(map(self.options, ("set", "shopt"))):
            wanted = {key: [*self.file.options.get(key, ()), *self.options(key)] for key in ("set", "shopt")}
            self.task.keys["shell"] = shell(wanted, self.scripts)

    def options(self, key: str) -> list[str]:
        return texts_of(self.entries[key], key) if key in self.entries else []

    # -- variables ---------------------------------------------------------------------------------------------

    def required(self, node: yaml.Node) -> None:
        keys = dict(entries(node))
        for each in items(keys["vars"]) if "vars" in keys else ():
            own = dict(entries(each))
            name = text_of(own.get("name", each), "requires")
            if name in self.given:
                continue
            wanted: dict[str, Any] = {"required": True}
            if "enum" in own:
                wanted["choices"] = texts_of(own["enum"], f"requires: {name}")
            self.parameter(name, wanted)

    def parameter(self, name: str, value: Any) -> None:
        self.task.keys.setdefault("params", {})[name] = value
        self.scope.names[name] = Binding(name, field=f"${{{name}}}", param=True)

    def variable(self, name: str, node: yaml.Node) -> None:
        """A variable of the task alone: in its environment, or a param where it has a default to be overridden."""
        outer = Scope(self.name, {**self.scope.names}, self.scope.outer)
        own = outer.names.pop(name, None)
        if isinstance(node, yaml.MappingNode):
            self.scope.names[name] = self.printed(name, node)
            return
        if isinstance(node, yaml.SequenceNode):
            self.scope.names[name] = Binding(text=" ".join(texts_of(node, name)), scope=outer)
            return
        text = text_of(node, name)
        default = self.templates.default_of(name, text)
        if default is not None:
            if own is None:
                self.parameter(name, default)
            return
        if name in mentioned(text) and own is not None:
            outer = self.scope.outer if isinstance(self.scope.outer, Scope) else outer
            self.scope.names[name] = Binding(text=text, scope=Scope(self.name, {name: own}, outer))
            return
        try:
            field = self.templates.field(text, outer)
        except UnconvertibleError:
            # What a field cannot say a script may.
            self.scope.names[name] = Binding(text=text, scope=outer)
            return
        self.scope.names[name] = Binding(name, text, outer, field)
        self.env[name] = field

    def printed(self, name: str, node: yaml.Node) -> Binding:
        """A variable that is what a command prints: one of the manifest, so that it is asked once."""
        command = command_of(node, name)
        own = [each for each in self.scope.names.values() if each.variable in self.env or not each.field]
        if any(self.scope.names.get(each) in own for each in mentioned(command)) or variable_fault(name):
            raise UnconvertibleError(f"{name}: what a command prints rests on other variables of the task")
        script = self.templates.script(command, self.scope).strip()
        if "dir" in self.entries and (folder := self.folder()) != ".":
            script = f"cd {folder} && {script}"
        value = {"run": script}
        variables, variable = self.file.out.variables, name
        if variables.get(name, value) != value or name in self.file.elsewhere:
            variable = task_name(re.sub(r"\W", "_", f"{name}_of_{self.name}"), variables).replace("-", "_")
        variables[variable] = value
        return Binding(variable, field=f"${{{variable}}}")

    def in_environment(self, name: str, node: yaml.Node) -> str:
        if isinstance(node, yaml.MappingNode):
            binding = self.printed(name, node)
            return self.file.fallback(name, binding.field or "")
        return self.file.fallback(name, self.templates.field(text_of(node, name), self.scope))

    # -- other keys --------------------------------------------------------------------------------------------

    def pattern(self, node: yaml.Node) -> str:
        keys = dict(entries(node))
        if set(keys) == {"exclude"}:
            return f"!{self.in_folder(text_of(keys['exclude'], 'exclude'))}"
        return self.in_folder(text_of(node, "a pattern"))

    def in_folder(self, text: str) -> str:
        """A pattern of go-task, which is relative to the task's folder, from the manifest's."""
        folder, path = self.task.keys.get("cwd", ""), self.templates.path(text, self.scope)
        if not folder or path.startswith("/") or self.templates.is_rooted(text, self.scope):
            return path
        return f"{folder.rstrip('/')}/{path}"

    def folder(self) -> str:
        return self.templates.path(text_of(self.entries["dir"], "dir"), self.scope)

    def rarer(self, key: str) -> None:
        node, keys = self.entries[key], self.task.keys
        if key == "aliases":
            keys[key] = [task_name(each, self.file.names.values()) for each in texts_of(node, key)]
        elif key in ("platforms", "dotenv"):
            keys[key] = texts_of(node, key)
        elif key in ("internal", "interactive"):
            if is_true(node):
                keys[key] = True
        elif key == "ignore_error":
            if is_true(node):
                keys["allow_failure"] = True
        elif key == "prompt":
            keys["confirm"] = " ".join(texts_of(node, key))
        elif key == "dir":
            if (folder := self.folder()) != ".":
                keys["cwd"] = folder
        elif key == "preconditions":
            keys["requires"] = [self.precondition(each) for each in items(node)]
        elif key in ("status", "if"):
            self.condition(key, node)
        elif key not in IGNORED and key not in _READ:
            raise UnconvertibleError(f"{key} has no counterpart")

    def condition(self, key: str, node: yaml.Node) -> None:
        """``if``, and ``status``: what all must say for the task not to be done."""
        if key == "status" and "sources" in self.entries:
            raise UnconvertibleError("status beside sources: what makes a task up to date are its inputs and outputs")
        scripts = [self.templates.script(each, self.scope).strip() for each in texts_of(node, key)]
        joined = " && ".join(each if len(scripts) == 1 or _is_simple(each) else f"{{ {each}; }}" for each in scripts)
        wanted = joined if key == "if" else f"! {joined}" if _is_simple(joined) else f"! {{ {joined}; }}"
        self.task.keys["when"] = f"{self.task.keys['when']} && {wanted}" if "when" in self.task.keys else wanted

    def precondition(self, node: yaml.Node) -> Any:
        keys = dict(entries(node))
        wanted = {"run": self.templates.script(text_of(keys.get("sh", node), "preconditions"), self.scope)}
        if "msg" in keys:
            wanted["message"] = text_of(keys["msg"], "preconditions")
        return wanted

    # -- commands, and the tasks that are called ---------------------------------------------------------------

    def commands(self, needs: int) -> None:
        """Take in commands and calls, in order; ``needs``: how many tasks are called before all of them."""
        nodes = [*items(self.entries["cmds"])] if "cmds" in self.entries else []
        nodes += [self.entries["cmd"]] if "cmd" in self.entries else []
        for node in nodes:
            for value in self.unrolled(plain(node)):
                self.command(value, needs)

    def command(self, value: Any, needs: int) -> None:
        if value is None:
            return
        if isinstance(value, Mapping) and "task" in value:
            self.call(value, needs)
            return
        if isinstance(value, Mapping) and "defer" in value:
            self.task.keys.setdefault("finally", [])[:0] = self.deferred(value["defer"])
            return
        self.only_calls = False
        if isinstance(value, str):
            self.scripts.append(_LISTS.sub("exarp list", self.templates.script(value, self.scope).strip()))
        elif isinstance(value, Mapping) and isinstance(value.get("cmd"), str):
            odd = set(value) - {"cmd", "silent", "ignore_error"}
            if odd:
                key = sorted(odd)[0]
                raise UnconvertibleError(REFUSED.get(key, f"{key} of a command has no counterpart"))
            script = self.templates.script(value["cmd"], self.scope).strip()
            self.scripts.append(f"{{ {script}; }} || :" if value.get("ignore_error") is True else script)
        else:
            raise UnconvertibleError("one of its commands is not understood")

    def unrolled(self, value: Any) -> Iterator[Any]:
        """A command, once for each value of its loop. Raises UnconvertibleError where only a run knows them."""
        if not isinstance(value, Mapping) or "for" not in value:
            yield value
            return
        loop, name = value["for"], "ITEM"
        found: list[str] | None = None
        if isinstance(loop, list) and not any(isinstance(each, Mapping | list) for each in loop):
            found = list(map(as_text, loop))
        elif isinstance(loop, Mapping) and set(loop) <= {"var", "split", "as"} and "var" in loop:
            name = str(loop.get("as", "ITEM"))
            binding = self.scope.find(str(loop["var"]))
            if binding is not None and binding.text is not None and "{{" not in binding.text:
                found = binding.text.split(as_text(loop.get("split")) or None)
        if found is None:
            raise UnconvertibleError(
                "a loop over what only a run knows: a task with a matrix is one task for each value"
            )
        rest = {key: each for key, each in value.items() if key != "for"}
        for each in found:
            yield _filled(rest, name, each)

    def deferred(self, value: Any) -> list[str]:
        if isinstance(value, str):
            return [self.templates.script(value, self.scope).strip()]
        if isinstance(value, Mapping) and "task" in value:
            name, given = self.target(value)
            found = self.inline(name, given)
            if found is not None:
                return found
            raise UnconvertibleError(f"what it does at its end is {name}, which is more than commands")
        raise UnconvertibleError("one of its commands is not understood")

    def needed(self, node: yaml.Node) -> Iterator[str]:
        """The tasks that a dependency names."""
        for value in self.unrolled(plain(node)):
            found = value if isinstance(value, Mapping) else {"task": value}
            name, given = self.target(found)
            yield self.copy(name, given) if given else self.file.names[name]

    def target(self, value: Mapping[str, Any]) -> tuple[str, dict[str, Binding]]:
        """The task that a call names, and the variables it is given. Raises UnconvertibleError."""
        name = str(value.get("task")).removeprefix(":")
        variables = value.get("vars") or {}
        if set(value) - {"task", "vars", "silent"} or not isinstance(variables, Mapping):
            raise UnconvertibleError(f"it calls {name} in a way of its own")
        if name not in self.file.nodes:
            raise UnconvertibleError(f"it calls {name}, which is not here")
        given = {}
        for variable, each in variables.items():
            if isinstance(each, Mapping | list):
                raise UnconvertibleError(f"it calls {name} with {variable}: only text can be given")
            text = as_text(each)
            if variable != "CLI_ARGS" or text.replace(" ", "") != "{{.CLI_ARGS}}":
                given[variable] = self.bound(variable, text)
        return name, given

    def bound(self, variable: str, text: str) -> Binding:
        used = map(self.scope.find, mentioned(text))
        field = None
        if not any(each is not None and each.param for each in used):
            with contextlib.suppress(UnconvertibleError):
                field = self.templates.field(text, self.scope)
        return Binding(variable, text, self.scope, field)

    def call(self, value: Mapping[str, Any], needs: int) -> None:
        """A task called among the commands: the first is a need, the others are done here, in turn."""
        name, given = self.target(value)
        first = not self.scripts and len(self.called) == needs
        if first and not given and (not self.callers or self.file.names[name] in self.done):
            self.called.append(self.file.names[name])
            return
        found = self.inline(name, given)
        if found is not None and len(self.scripts) + len(found) <= _MOST_INLINE:
            self.scripts += found
            self.in_turn.append(name)
        elif self.scripts:
            raise UnconvertibleError(
                f"it calls {name} after other commands, which is more than commands: make a task of what goes before"
            )
        else:
            called = self.copy(name, given) if given else self.file.names[name]
            if not first and not self.callers:
                self.file.turns.append((self.called[-1], called, self.task))
            self.called.append(called)

    def inline(self, name: str, given: dict[str, Binding]) -> list[str] | None:
        """The commands of a task, to be done as a part of this one; None where it is more than its commands."""
        callers = (*self.callers, self.name)
        if name in callers:
            raise UnconvertibleError(f"it calls itself, by {name}" if name != self.name else "it calls itself")
        self.file.parts += 1
        if self.file.parts > _MOST_PARTS:
            raise UnconvertibleError("too many tasks call each other")
        part = DraftTask(self.file.names[name], 0)
        done = {*self.done_before(), *self.done}
        inner = TaskConverter(self.file, part, name, given, callers, done)
        try:
            inner.convert()
        except UnconvertibleError as error:
            raise UnconvertibleError(f"it calls {name}, which was not converted: {error}") from None
        keys = part.keys
        run = [keys["run"]] if isinstance(keys.get("run"), str) else keys.get("run", [])
        if not run or set(keys) - _PLAIN or not set(keys.get("needs", ())) <= done:
            return None
        leads = self.leads(keys)
        if leads is None or not self.takes(keys.get("params", {})):
            return None
        leads += [f"{each}={self.templates.quoted(given[each].text or '', self.scope)}" for each in given]
        return ["\n".join([*(lead for lead in leads if _wants(lead, script)), script]) for script in run]

    def leads(self, keys: Mapping[str, Any]) -> list[str] | None:
        """What a part of this task needs before its commands: its own folder and environment; None where that cannot be said."""
        leads = []
        folder, own = keys.get("cwd", ""), self.task.keys.get("cwd", "")
        if folder != own:
            if own or not re.fullmatch(r"[\w./-]+", folder):
                return None
            leads.append(f"cd {folder}")
        for name, value in keys.get("env", {}).items():
            if self.env.get(name) != value:
                written = re.sub(r'([\\"`])', r"\\\1", value.replace("${env.", "${"))
                leads.append(f'export {name}="{written}"')
        return leads

    def takes(self, params: Mapping[str, Any]) -> bool:
        """Whether this task can have the params of a part, beside its own."""
        own = self.task.keys.get("params", {})
        if any(own.get(name, value) != value for name, value in params.items()):
            return False
        if params:
            self.task.keys["params"] = {**own, **params}
        return True

    def done_before(self) -> set[str]:
        """The tasks, by their names in the manifest, that are done before this one's commands."""
        by_name = {shown: name for name, shown in self.file.names.items()}
        waiting = [by_name[each] for each in self.called if each in by_name]
        found: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.file.before(name)
        return {self.file.names[name] for name in found} | set(self.called)

    def copy(self, name: str, given: dict[str, Binding]) -> str:
        """A task that is the task ``name`` with variables given; made once for each set of them."""
        key = (name, *(f"{variable}={each.field}" for variable, each in sorted(given.items())))
        if any(each.field is None for each in given.values()):
            raise UnconvertibleError(f"it calls {name} with what only a run knows")
        if key not in self.file.copies:
            if self.file.depth > _DEEPEST:
                raise UnconvertibleError(f"it calls {name}, which calls itself with ever other variables")
            values = [re.sub(r"\$\{.*?\}|[^\w.-]+", "-", each.field or "").strip("-") for each in given.values()]
            wanted = "-".join([self.file.names[name], *filter(None, values)])
            shown = task_name(wanted[:80], {*self.file.names.values(), *self.file.copies.values()})
            self.file.copies[key] = shown
            task = DraftTask(shown, self.file.nodes[name].start_mark.line + 1)
            self.file.depth += 1
            try:
                TaskConverter(self.file, task, name, given).convert()
            finally:
                self.file.depth -= 1
            task.keys.pop("aliases", None)
            task.notes.append(f"task {name} {' '.join(f'{each}={given[each].text}' for each in given)}")
            self.file.out.tasks.append(task)
        return self.file.copies[key]


def _listed(names: Sequence[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} done"


def _is_simple(script: str) -> bool:
    return re.search(r"[&|;\n]", script) is None


def _wants(lead: str, script: str) -> bool:
    """Whether a script has to do with what stands before it: a folder counts for all, an assignment for those that name it."""
    assigned = re.match(r"(\w+)=", lead)
    return assigned is None or re.search(rf"\$\{{?{assigned[1]}\b", script) is not None


def _filled(value: Any, name: str, item: str) -> Any:
    """A command with an item of its loop in the place of its templates."""
    if isinstance(value, Mapping):
        return {key: _filled(each, name, item) for key, each in value.items()}
    if isinstance(value, str):
        return re.sub(rf"\{{\{{-?\s*\.{re.escape(name)}\s*-?\}}\}}", lambda _: item, value)
    return value
