"""A Taskfile (of go-task) as a draft manifest.

Knows version 3 of its schema as far as exarp can say the same: what stands at the top of the file, and in which order tasks are
done. Source: taskfile.dev/reference/schema. Does not know what a task says (``taskfile_task``).
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from exarp.manifests.foreign.draft import Draft, DraftTask, UnconvertibleError, task_name, unique
from exarp.manifests.foreign.taskfile_file import File, shell
from exarp.manifests.foreign.taskfile_task import IGNORED, TaskConverter
from exarp.manifests.foreign.taskfile_templates import Binding, Templates, mentioned
from exarp.manifests.foreign.taskfile_text import command_of, entries, mapping, scalars, text_of, texts_of
from exarp.model.name import variable_fault

_FIRST = ("set", "shopt", "vars", "env", "dotenv")
_GOES_ON = (
    "of the tasks that it calls in turn, the later ones start even where one failed: add needs where that matters"
)
_NO_TURN = "the tasks that it calls in turn may run side by side, for others call them in another order: add needs"


def convert_taskfile(text: str, file: str) -> Draft:
    """The draft of a Taskfile's text. Raises ManifestError where it is no YAML mapping."""
    draft = Draft(file, "task")
    _Converter(draft, mapping(text, file)).convert()
    return draft


class _Converter:
    def __init__(self, out: Draft, root: yaml.MappingNode) -> None:
        self.out = out
        self.root = dict(entries(root))
        self.templates = Templates(out.variables)
        tasks = dict(entries(self.root["tasks"])) if "tasks" in self.root else {}
        self.file = File(out, self.templates, tasks)
        self.written: set[str] = set()

    def convert(self) -> None:
        """Convert everything."""
        for key in unique([*(each for each in _FIRST if each in self.root), *self.root]):
            try:
                self.top(key, self.root[key])
            except UnconvertibleError as error:
                self.leave(self.root[key], key, str(error))
        self.written = set(self.templates.root.names)
        nodes = self.file.nodes
        self.out.found = len(nodes)
        for name in nodes:
            self.file.names[name] = task_name(name, self.file.names.values())
        self.file.elsewhere = self.elsewhere()
        for name, node in nodes.items():
            self.task(name, node)
        self.order()
        self.drop_unused()
        self.share_environment()
        scripts = [each for task in self.out.tasks for each in _scripts(task.keys)]
        scripts += [each["run"] for each in self.out.variables.values() if isinstance(each, dict)]
        self.out.settings = {"shell": shell(self.file.options, scripts), **self.out.settings}
        if any(task.name == "default" for task in self.out.tasks):
            self.out.settings = {"default": ["default"], **self.out.settings}

    def leave(self, node: yaml.Node, text: str, why: str) -> None:
        self.out.leave(node.start_mark.line + 1, text, why)

    # -- the top of the file -----------------------------------------------------------------------------------

    def top(self, key: str, node: yaml.Node) -> None:
        if key == "vars":
            self.variables(node)
        elif key == "env":
            self.file.env = self.environment(node)
        elif key == "dotenv":
            self.dotenv(node)
        elif key in ("set", "shopt"):
            self.file.options[key] = texts_of(node, key)
        elif key == "includes":
            for name, value in entries(node):
                self.leave(value, f"includes: {name}", "import that Taskfile by itself, then include its manifest")
        elif key not in IGNORED and key != "tasks":
            self.leave(node, key, "this key has no counterpart")

    def dotenv(self, node: yaml.Node) -> None:
        self.out.settings["dotenv"] = [
            self.templates.path(each, self.templates.root) for each in texts_of(node, "dotenv")
        ]  # fmt: skip

    def variables(self, node: yaml.Node) -> None:
        for name, value in entries(node):
            try:
                self.out.variables[name] = self.variable(name, value)
            except UnconvertibleError as error:
                self.leave(value, f"vars: {name}", str(error))

    def variable(self, name: str, node: yaml.Node) -> Any:
        """A variable as the manifest says it; its binding with it."""
        if variable_fault(name) is not None:
            raise UnconvertibleError("a variable cannot have this name")
        root = self.templates.root
        if isinstance(node, yaml.MappingNode):
            value: Any = {"run": self.templates.script(command_of(node, name), root).strip()}
            root.names[name] = Binding(name, field=f"${{{name}}}")
            return value
        if isinstance(node, yaml.SequenceNode):
            texts = texts_of(node, name)
            value = [self.templates.field(each, root) for each in texts]
            root.names[name] = Binding(name, " ".join(texts), root)
            return value
        text = text_of(node, name)
        try:
            value = self.templates.field(text, root, name)
        except UnconvertibleError:
            # What a field cannot say the scripts may that use it.
            if name not in mentioned(text):
                root.names[name] = Binding(text=text, scope=root)
            raise
        fixed = self.templates.default_of(name, text) is None and name not in mentioned(text)
        root.names[name] = Binding(name, text if fixed else None, root, f"${{{name}}}")
        return value

    def environment(self, node: yaml.Node) -> dict[str, str]:
        found = {}
        for name, value in entries(node):
            try:
                found[name] = self.file.fallback(name, self.of_environment(name, value))
            except UnconvertibleError as error:
                self.leave(value, f"env: {name}", str(error))
        return found

    def of_environment(self, name: str, node: yaml.Node) -> str:
        if isinstance(node, yaml.MappingNode) and not variable_fault(name):
            self.out.variables[name] = {
                "run": self.templates.script(command_of(node, name), self.templates.root).strip()
            }
            return f"${{{name}}}"
        return self.templates.field(text_of(node, name), self.templates.root, name)

    def elsewhere(self) -> set[str]:
        """Variables that some task uses without saying what they are."""
        found = set(self.templates.root.names)
        for name in self.file.nodes:
            keys = self.file.entries(name)
            own = {each for each, _ in entries(keys["vars"])} if "vars" in keys else set()
            found |= set().union(*map(mentioned, scalars(self.file.nodes[name]))) - own
        return found

    # -- tasks -------------------------------------------------------------------------------------------------

    def task(self, name: str, node: yaml.Node) -> None:
        task = DraftTask(self.file.names[name], node.start_mark.line + 1)
        if self.file.names[name] != name:
            task.notes.append(f"task {name}")
        try:
            if "*" in name:
                raise UnconvertibleError("a name with a wildcard has no counterpart")
            TaskConverter(self.file, task, name).convert()
        except UnconvertibleError as error:
            self.leave(node, name, str(error))
            return
        if not task.keys.keys() & {"run", "needs"}:
            self.leave(node, name, "it runs nothing and needs no other task")
            return
        self.out.tasks.append(task)

    def order(self) -> None:
        """Tasks that are called in turn wait for each other, where that makes no circle."""
        tasks = {task.name: task for task in self.out.tasks}
        for before, behind, caller in self.file.turns:
            if caller.name not in tasks or before not in tasks or behind not in tasks:
                continue
            if _waits_for(tasks, before, behind):
                self.out.leave(caller.line, caller.name, _NO_TURN)
                continue
            if before not in tasks[behind].keys.get("needs", ()):
                after = tasks[behind].keys.setdefault("after", [])
                if before not in after:
                    after.append(before)
                self.out.leave(caller.line, caller.name, _GOES_ON)

    def share_environment(self) -> None:
        """What all tasks get is said once, in a template, where several say the same."""
        common = self.file.env
        having = [task.keys for task in self.out.tasks if common.items() <= task.keys.get("env", {}).items()]
        if not common or len(having) < 2:
            return
        self.out.templates["common"] = {"env": common}
        for keys in having:
            keys["extends"] = "common"
            keys["env"] = {name: value for name, value in keys["env"].items() if name not in common}
            if not keys["env"]:
                del keys["env"]

    def drop_unused(self) -> None:
        """Variables that nothing uses, if they were made for a task, or their text was pasted wherever they are used."""
        in_tasks = set().union(*(_variables(task.keys) for task in self.out.tasks))
        while True:
            used = in_tasks.union(*map(_variables, self.out.variables.values()))
            kept = self.written - self.templates.pasted.keys()
            unused = [name for name in self.out.variables if name not in used and name not in kept]
            if not unused:
                return
            for name in unused:
                del self.out.variables[name]


def _waits_for(tasks: dict[str, DraftTask], name: str, other: str) -> bool:
    """Whether the task ``name`` waits for ``other``, directly or not."""
    waiting, seen = [name], set()
    while waiting:
        each = waiting.pop()
        if each == other:
            return True
        if each not in seen and each in tasks:
            seen.add(each)
            waiting += [*tasks[each].keys.get("needs", ()), *tasks[each].keys.get("after", ())]
    return False


def _variables(value: Any) -> set[str]:
    """The names of all variables that the texts in a value may mention."""
    return set(re.findall(r"\$\{?(\w+)", str(value)))


def _scripts(keys: dict[str, Any]) -> list[str]:
    found = [keys["run"]] if isinstance(keys.get("run"), str) else list(keys.get("run", ()))
    found += [each["run"] for each in keys.get("requires", ())]
    return [*found, *keys.get("finally", ()), keys.get("when", "")]
