"""One task as it is written, to what it means.

Knows the defaults and rules of a task's fields. Does not know other tasks, nor anything of files on disk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from exarp.errors import Problem
from exarp.manifests.document import FromDocument, InputDocument, TaskDocument
from exarp.manifests.problems.place import here_first
from exarp.manifests.tasks.conditions import check_service, conditions, scripts, service
from exarp.manifests.tasks.fields import Fields, is_plain_path, is_reserved
from exarp.manifests.tasks.groups import check_group
from exarp.model.manifest import Settings
from exarp.model.name import ARGUMENTS_WORD, LAUNCH_WORDS, name_fault, nearest, renamed, variable_fault
from exarp.model.param import filled_in, values_of
from exarp.model.path import is_glob
from exarp.model.quantity import amount as quantity
from exarp.model.task import PRIORITIES, Task

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import KeyPath


class Pool(Struct, frozen=True):
    """A pool of ``[resources]``: what there is (None: not known, or refused already), and how to say it."""

    amount: int | None
    words: str


# By name the scripts that carry out a prompt.
Agents = Mapping[str, tuple[str, ...]]
_DEFAULT_AGENT = "default"

_PROTECTED = frozenset({".git", ".exarp"})
_SWITCHES = ("allow_failure", "interactive", "daemon", "manual", "keep_outputs", "internal")
_is_plain_name = re.compile(r"[A-Za-z0-9_/][\w./-]*+", re.ASCII).fullmatch


_TASK = Task("")

# All that most tasks of a large manifest say.
FREQUENT = frozenset({"description", "run", "inputs", "outputs", "needs"})

# What the key of a task becomes, where it is not the one field of the same name.
BECOMES: Mapping[str, tuple[str, ...]] = {
    "run": ("commands",),
    "inputs": ("inputs", "excluded", "sources"),
    "prompt": ("prompt", "commands"),
    "agent": ("agent", "commands"),
    "extends": (),
    "matrix": (),
    "service": ("service", "retries", "timeout"),
}


class TaskReader:
    """Reads tasks whose defaults are ``settings``, that take from ``pools``, and whose prompts are carried out by ``agents``."""

    def __init__(self, fields: Fields, settings: Settings, pools: Mapping[str, Pool], agents: Agents) -> None:
        self.fields = fields
        self.base = fields.locator.base
        self.pools = pools
        self.agents = agents
        self.defaults: dict[str, Any] = {
            name: value
            for name in ("shell", "retries", "retry_delay", "timeout", "on_failure")
            if (value := getattr(settings, name)) != getattr(_TASK, name)
        }

    def task(self, name: str, written: TaskDocument) -> Task:
        """The task that is meant; faults are collected."""
        self.check_whole(name, written)
        found = self.meaning(written, ("task", name))
        if written.params:
            found["variables"] = values_of(found["params"])
        return Task(name=name, **found)

    def frequent(self, name: str, written: TaskDocument) -> Task:
        """As ``task``, in half the time, of a task that has no keys but those of ``FREQUENT``."""
        script = written.run
        if not isinstance(script, str) or not _is_plain_name(name) or self.base:
            return self.task(name, written)
        fields, at = self.fields, ("task", name)
        if "${" in script or "\0" in script:
            self.fields.check_script(script, (*at, "run"))
        found = self.inputs(written.inputs, (*at, "inputs")) if written.inputs is not UNSET else {}
        if written.outputs is not UNSET:
            found["outputs"] = self.outputs(written.outputs, (*at, "outputs"))
        if written.needs:
            found["needs"] = fields.texts(written.needs, (*at, "needs"))
        if written.description:
            found["description"] = fields.text(written.description, (*at, "description")) or ""
        return Task(name=name, commands=(script,), **self.defaults, **found)

    def meaning(self, written: TaskDocument, at: KeyPath) -> dict[str, Any]:
        """What the task is but for its name, field by field."""
        if written.params:
            return self.with_params(written, at)
        fields = self.fields
        # A struct is made six times as fast if the fields that most tasks leave alone are not passed to it.
        return {
            "description": fields.text(written.description, (*at, "description")) or "",
            "commands": self.commands(written, at),
            "outputs": self.outputs(written.outputs, (*at, "outputs")),
            "needs": fields.texts(written.needs, (*at, "needs")) if written.needs else (),
            **self.defaults,
            **self.inputs(written.inputs, (*at, "inputs")),
            **self.policy(written, at),
            **self.rarer(written, at),
        }

    def with_params(self, written: TaskDocument, at: KeyPath) -> dict[str, Any]:
        """As ``meaning``, of a task whose fields know its parameters."""
        from copy import copy

        from exarp.manifests.tasks.params import read_params

        fields = self.fields
        params = read_params(fields, written.params, (*at, "params"), written.matrix or fields.variables.local)
        inner = copy(self)
        local = {**fields.variables.local, **filled_in(params)}
        inner.fields = Fields(fields.variables.beside(local), fields.locator, fields.problems)
        return {**inner.meaning(replace(written, params={}), at), "params": params}

    def check_whole(self, name: str, written: TaskDocument) -> None:
        """Tell of what can only be seen of the whole task: a bad name, fields that do not go together."""
        at = ("task", name)
        if not _is_plain_name(name) and (fault := name_fault(name)):
            self.fields.add("bad-name", f"task {name!r}: {fault}", at, renamed(name), on_key=True)
        given = [key for key in ("run", "argv", "prompt") if getattr(written, key) is not UNSET]
        if len(given) > 1:
            self.two_commands(at, given)
        elif not given:
            check_group(self.fields, written, at)
            return
        if written.agent and "prompt" not in given:
            message = f"task {at[1]!r} has no prompt, so its agent would do nothing"
            self.fields.add(
                "agent-without-prompt", message, (*at, "agent"), "take it out, or give it prompt", on_key=True
            )
        if written.service:
            check_service(self.fields, written, at)

    def policy(self, written: TaskDocument, at: KeyPath) -> dict[str, Any]:
        """How the task is run, as far as it says so."""
        fields = self.fields
        found: dict[str, Any] = {}
        if (
            written.allow_failure
            or written.interactive
            or written.daemon
            or written.manual
            or written.keep_outputs
            or written.internal
        ):
            found = {name: getattr(written, name) for name in _SWITCHES}
        if not isinstance(written.shell, UnsetType):
            found["shell"] = fields.texts(written.shell, (*at, "shell"))
        if not isinstance(written.retries, UnsetType):
            found["retries"] = written.retries
        if not isinstance(written.retry_delay, UnsetType):
            found["retry_delay"] = fields.duration(written.retry_delay, (*at, "retry_delay"))
        if written.no_retry_on:
            found["no_retry_on"] = tuple(written.no_retry_on)
        if not isinstance(written.timeout, UnsetType):
            found["timeout"] = fields.duration(written.timeout, (*at, "timeout"))
        if not isinstance(written.on_failure, UnsetType):
            found["on_failure"] = written.on_failure
        if not isinstance(written.cache, UnsetType):
            found["cache"] = written.cache
        if written.priority != "medium":
            found["priority"] = PRIORITIES[written.priority] if isinstance(written.priority, str) else written.priority
        return found

    def rarer(self, written: TaskDocument, at: KeyPath) -> dict[str, Any]:
        """What else it says that few tasks say."""
        fields = self.fields
        found: dict[str, Any] = {}
        if not isinstance(written.argv, UnsetType):
            found["argv"] = self.argv(written.argv, (*at, "argv"))
        if not isinstance(written.prompt, UnsetType):
            found |= self.prompt(written.prompt, written.agent, at)
        if written.tools:
            found["tools"] = fields.paths(written.tools, (*at, "tools"), inside=False)
        if written.allow_empty:
            found["allow_empty"] = True
        if written.modifies:
            path = (*at, "modifies")
            found["modifies"] = self.unprotected(fields.paths(written.modifies, path), path)
        if written.after:
            found["after"] = fields.texts(written.after, (*at, "after"))
        if written.parent:
            found["parent"] = fields.text(written.parent, (*at, "parent")) or ""
        if written.depfile:
            found["depfile"] = self.depfile(written.depfile, (*at, "depfile"))
        if written.env:
            found["env"] = self.env(written.env, (*at, "env"))
        if written.track_env:
            found["track_env"] = fields.variables_named(written.track_env, (*at, "track_env"), tracked=True)
        if written.dotenv:
            from exarp.manifests.tasks.dotenv_files import dotenv_paths

            found["dotenv"] = dotenv_paths(fields, dict(enumerate(written.dotenv)), (*at, "dotenv"))
        if written.cwd:
            found["cwd"] = self.cwd(written.cwd, (*at, "cwd"))
        elif self.base and not (written.run is UNSET and written.argv is UNSET and written.prompt is UNSET):
            found["cwd"] = self.base
        if written.tags:
            found["tags"] = fields.texts(written.tags, (*at, "tags"))
        if written.aliases:
            found["aliases"] = self.aliases(written.aliases, (*at, "aliases"))
        if written.mutex:
            found["mutex"] = fields.texts(written.mutex, (*at, "mutex"))
        if written.resources:
            found["resources"] = self.requests(written.resources, at)
        if (
            written.when
            or written.platforms
            or written.requires
            or written.confirm
            or not isinstance(written.cleanup, UnsetType)
        ):
            found |= conditions(fields, written, at, self.fields.check_script)
        if written.verify:
            found["verify"] = scripts(written.verify, (*at, "verify"), self.fields.check_script)
        if written.service:
            found |= service(fields, written, at, self.fields.check_script)
        return found

    def aliases(self, written: Sequence[str], path: KeyPath) -> tuple[str, ...]:
        found = self.fields.texts(written, path)
        for name in found:
            if fault := name_fault(name):
                place = self.fields.locator.entry(path, name)
                self.fields.problems.append(Problem("bad-name", f"alias {name!r}: {fault}", place, renamed(name)))
        return found

    def prompt(self, written: str, agent: str, at: KeyPath) -> dict[str, Any]:
        """The fields that a prompt becomes: its words, who carries it out, and how."""
        prompt = self.fields.text(written, (*at, "prompt"))
        if prompt is not None and not prompt.strip():
            message = f"the prompt of task {at[1]!r} has no words"
            self.fields.add("empty-prompt", message, (*at, "prompt"), "say what is to be done")
        name = self.fields.text(agent, (*at, "agent")) if agent else _DEFAULT_AGENT
        found: dict[str, Any] = {"prompt": prompt or "…", "agent": name or _DEFAULT_AGENT, "commands": ("",)}
        if name is not None and name not in self.agents:
            self.unknown_agent(name, (*at, "agent") if agent else (*at, "prompt"))
        elif name is not None:
            found["commands"] = self.agents[name]
        return found

    def unknown_agent(self, name: str, path: KeyPath) -> None:
        others = [other for other in self.agents if other != name]
        step = f'add [agents.{name}] with run = "…", the command that carries out $EXARP_PROMPT_FILE'
        if others:
            close = nearest(name, others)
            step = f"did you mean {close!r}?" if close else f"say agent = {json.dumps(others[0])}, or {step}"
        message = f"there is no agent {name!r}" + (", which carries out prompts" if path[-1] == "prompt" else "")
        self.fields.add("unknown-agent", message, path, step)

    def argv(self, written: Sequence[str], path: KeyPath) -> tuple[str, ...]:
        found = list(self.fields.elements(written, path))
        for index, element in found:
            if element in (*LAUNCH_WORDS, ARGUMENTS_WORD) and element != written[index]:
                message = f"with its variables filled in this is {element}, which would be replaced by paths"
                step = f"write {element} itself, or give the variable another value"
                self.fields.add("bad-substitution", message, (*path, index), step)
        return tuple([element for _, element in found])

    def depfile(self, written: str, path: KeyPath) -> str:
        found = self.fields.path(written, path, inside=False) or ""
        if is_glob(found) or found.endswith("/"):
            kind = "a glob" if is_glob(found) else "a folder"
            step = "name the one file that the command writes"
            self.fields.add("bad-path", f"{written!r} is {kind}, and a depfile is one file", path, step)
        return found

    def cwd(self, written: str, path: KeyPath) -> str:
        folder = self.fields.path(written, path) or "./"
        return "" if folder == "./" else folder.rstrip("/")

    def inputs(self, written: Sequence[InputDocument] | UnsetType, path: KeyPath) -> dict[str, Any]:
        """The three fields that ``inputs`` becomes: paths, paths taken away, tasks whose outputs are taken."""
        if isinstance(written, UnsetType):
            return {}
        for entry in written:
            if self.base or not isinstance(entry, str) or not is_plain_path(entry):
                break
        else:
            return {"inputs": tuple(written)}
        found: dict[str, list[str]] = {"inputs": []}
        for index, entry in enumerate(written):
            for kind, text in self.input(entry, (*path, index)):
                if text is not None:
                    found.setdefault(kind, []).append(text)
        return {kind: tuple(texts) for kind, texts in found.items()}

    def input(self, entry: InputDocument, path: KeyPath) -> Iterator[tuple[str, str | None]]:
        """What one entry of ``inputs`` becomes: the field that it belongs to, and its text where that is sound."""
        fields = self.fields
        if isinstance(entry, FromDocument):
            yield "sources", fields.text(entry.source, (*path, "from"))
        elif entry.startswith("${") and (items := fields.items(entry)) is not None:
            for item in items:
                kind = "excluded" if item.startswith("!") else "inputs"
                yield kind, fields.normal(item.removeprefix("!"), entry, path, inside=False)
        elif entry.startswith("!"):
            yield "excluded", fields.path(entry[1:], path, inside=False)
        else:
            yield "inputs", fields.path(entry, path, inside=False)

    def outputs(self, written: list[str] | UnsetType, path: KeyPath) -> tuple[str, ...] | None:
        if isinstance(written, UnsetType):
            return None
        found = self.unprotected(self.fields.paths(written, path), path)
        if "./" in found:
            found = self.whole_output("the whole workspace", "./", found, path)
        if self.base and f"{self.base}/" in found:
            found = self.whole_output("the manifest's own folder", f"{self.base}/", found, path)
        if len(found) > 1 and len({each.rstrip("/") for each in found}) < len(found):
            self.output_twice(found, path)
        return found

    def whole_output(self, what: str, output: str, found: tuple[str, ...], path: KeyPath) -> tuple[str, ...]:
        """The outputs without one that would take the manifest away with it."""
        message = f"{what} cannot be an output: output folders are emptied before their task runs"
        step = "name the files or folders that the task makes"
        self.fields.problems.append(Problem("bad-path", message, self.fields.locator.entry(path, output), step))
        return tuple([each for each in found if each != output])

    def unprotected(self, paths: tuple[str, ...], at: KeyPath) -> tuple[str, ...]:
        """Paths that a task may change: git's and exarp's own folders are not among them."""
        own = f"{self.base}/" if self.base else ""
        bare = [path.removeprefix(own) for path in paths] if own else paths
        taken = [
            path
            for path, name in zip(paths, bare, strict=True)
            if name[:1] == "." and name.split("/", 1)[0] in _PROTECTED
        ]
        for path in taken:
            message = f"{path!r} lies in {path.removeprefix(own).split('/', 1)[0]}, which no task may change"
            step = "let the task write somewhere else"
            self.fields.problems.append(Problem("protected-path", message, self.fields.locator.entry(at, path), step))
        return tuple([path for path in paths if path not in taken]) if taken else paths

    def output_twice(self, outputs: Sequence[str], path: KeyPath) -> None:
        locator = self.fields.locator
        seen: dict[str, list[str]] = {}
        for output in outputs:
            same = seen.setdefault(output.rstrip("/"), [])
            if same and not is_glob(output):
                place = locator.entry(path, output, nth=len(same))
                message = f"{output!r} is an output of task {path[1]!r} twice"
                related = here_first(place, locator.entry(path, same[0]))
                self.fields.problems.append(Problem("duplicate-output", message, place, "keep one of them", related))
            same.append(output)

    def commands(self, written: TaskDocument, at: KeyPath) -> tuple[str, ...]:
        if isinstance(written.run, UnsetType):
            return ()
        return scripts(written.run, (*at, "run"), self.fields.check_script)

    def two_commands(self, at: KeyPath, given: Sequence[str]) -> None:
        locator = self.fields.locator
        first, second = sorted(
            [locator.key(*at, key) for key in given[:2]], key=lambda place: (place.line, place.column)
        )
        message = f"task {at[1]!r} has both {given[0]!r} and {given[1]!r}"
        related = here_first(second, first)
        self.fields.problems.append(Problem("two-commands", message, second, "keep one of them", related))

    def env(self, written: Mapping[str, str | int | float], path: KeyPath) -> dict[str, str]:
        found = {}
        for name, value in written.items():
            if variable_fault(name):
                self.bad_variable(name, (*path, name))
            text = self.fields.text(str(value), (*path, name))
            if text is not None:
                found[name] = text
        return found

    def bad_variable(self, name: str, path: KeyPath) -> None:
        if is_reserved(name):
            step = "set it inside the script instead" if name == "PATH" else "choose another name"
            self.fields.add("reserved-name", f"the variable name {name!r} is reserved", path, step, on_key=True)
            return
        message = f"{name!r} cannot be the name of an environment variable"
        self.fields.add("bad-variable", message, path, "use letters, digits and _, and no digit first", on_key=True)

    def requests(self, written: Mapping[str, int | str], at: KeyPath) -> dict[str, int]:
        amounts = self.fields.sizes(written, (*at, "resources"))
        for pool, amount in amounts.items():
            path = (*at, "resources", pool)
            if pool not in self.pools:
                message, step = f"there is no pool {pool!r}", f"add {pool} = … to [resources]"
                self.fields.add("unknown-resource", message, path, step, on_key=True)
            elif amount > _most(self.pools[pool]):
                message = (
                    f"task {at[1]!r} asks for {_asked(written[pool], amount)} of {pool!r}, "
                    f"but there is only {self.pools[pool].words}"
                )
                self.fields.add("over-pool", message, path, "ask for less, or enlarge the pool in [resources]")
        return amounts


def _asked(written: int | str, amount: int) -> str:
    """An amount as its author knows it."""
    return quantity(amount) if isinstance(written, str) and "${" in written else str(written)


def _most(pool: Pool) -> float:
    return float("inf") if pool.amount is None else pool.amount
