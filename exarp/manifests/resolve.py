"""From what is written to what is meant: defaults, variables, paths, quantities.

Knows the rules of the manifest's contract about single fields. Does not know whether the names that tasks use
exist (``references``), nor anything of files on disk. Faults are collected; a faulty field keeps its default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import UNSET, UnsetType

from exarp.errors import Problem
from exarp.manifests.document import Document, FromDocument, SettingsDocument, TaskDocument
from exarp.manifests.place import KeyPath, Locator
from exarp.manifests.script import script_fault
from exarp.manifests.variables import VariableFault, Variables
from exarp.model.manifest import Manifest, Settings, WaveSpec
from exarp.model.name import RESERVED_VARIABLES, name_fault, variable_fault
from exarp.model.path import is_outside, normalise
from exarp.model.quantity import parse_duration, parse_size
from exarp.model.task import PRIORITIES, Task

# What a person planned as a wave deserves more than one try, and a question before it is given up.
WAVE_RETRIES = 3


def resolve(
    document: Document, locator: Locator, environ: Mapping[str, str], memory: int, problems: list[Problem]
) -> Manifest:
    """The manifest that ``document`` means; faults are appended to ``problems``.

    ``memory``: physical memory in bytes, the default of the pool of that name.
    """
    return _Resolver(document, locator, environ, memory, problems).manifest()


class _Resolver:
    def __init__(
        self, document: Document, locator: Locator, environ: Mapping[str, str], memory: int, problems: list[Problem]
    ) -> None:
        self.document = document
        self.locator = locator
        self.problems = problems
        self.variables = Variables({name: str(value) for name, value in document.vars.items()}, environ)
        self.pools: dict[str, int] = {"memory": memory}
        self.in_wave = {task for wave in document.wave for task in wave.tasks}
        self.settings = Settings()

    def manifest(self) -> Manifest:
        self.check_variables()
        self.settings = self.resolve_settings(self.document.settings)
        self.pools |= self.sizes(self.document.resources, ("resources",))
        tasks = tuple(self.task(name, written) for name, written in self.document.task.items())
        return Manifest(
            file=self.locator.file,
            tasks=tasks,
            waves=tuple(self.wave(index) for index in range(len(self.document.wave))),
            settings=self.settings,
            resources=self.pools,
            vars=self.expanded_variables(),
        )

    def add(self, slug: str, message: str, path: KeyPath, step: str = "", on_key: bool = False) -> None:
        place = self.locator.key(*path) if on_key else self.locator.value(*path)
        self.problems.append(Problem(slug, message, place, step))

    # -- fields ------------------------------------------------------------------------------------------------

    def text(self, value: str, path: KeyPath) -> str:
        if "${" not in value:
            return value
        try:
            return self.variables.expand(value)
        except VariableFault as fault:
            self.add(fault.slug, str(fault), path, fault.step)
            return ""

    def texts(self, values: Iterable[str], path: KeyPath) -> tuple[str, ...]:
        return tuple([self.text(value, (*path, index)) for index, value in enumerate(values)])

    def duration(self, value: str, path: KeyPath) -> float:
        return self.quantity(parse_duration, value, path, "duration", 'write "500ms", "30s", "5m" or "1h30m"')

    def size(self, value: int | str, path: KeyPath) -> int:
        if isinstance(value, int):
            if value < 0:
                self.add("bad-size", f"{value} is below zero", path, "write 0 or more")
            return max(value, 0)
        return int(self.quantity(parse_size, value, path, "size", 'write "512MiB", "8GiB", or a plain number'))

    def quantity(self, parse: Callable[[str], float], value: str, path: KeyPath, what: str, step: str) -> float:
        text = self.text(value, path)
        if not text:
            return 0
        try:
            return parse(text)
        except ValueError:
            self.add(f"bad-{what}", f"{text!r} is not a {what}", path, step)
            return 0

    def sizes(self, values: Mapping[str, int | str], path: KeyPath) -> dict[str, int]:
        return {name: self.size(value, (*path, name)) for name, value in values.items()}

    def paths(self, values: Iterable[str], path: KeyPath, inside: bool = True) -> tuple[str, ...]:
        return tuple([self.path(value, (*path, index), inside) for index, value in enumerate(values)])

    def path(self, value: str, path: KeyPath, inside: bool = True) -> str:
        text = self.text(value, path)
        if not text:
            if not value:
                self.add("bad-path", "a path cannot be empty", path, 'write "./" for the workspace root')
            return "./"
        normal = normalise(text)
        if inside and is_outside(normal):
            self.add("outside-workspace", f"{text!r} lies outside the workspace", path, "only inputs may lie outside")
        return normal

    # -- tables ------------------------------------------------------------------------------------------------

    def check_variables(self) -> None:
        for name in self.document.vars:
            if name in RESERVED_VARIABLES or name.startswith("EXARP_"):
                self.add(
                    "reserved-name",
                    f"the variable name {name!r} is reserved",
                    ("vars", name),
                    "choose another name",
                    True,
                )
            try:
                self.variables.value(name)
            except VariableFault as fault:
                self.add(fault.slug, str(fault), ("vars", name), fault.step)

    def expanded_variables(self) -> dict[str, str]:
        found = {}
        for name in self.document.vars:
            try:
                found[name] = self.variables.value(name)
            except VariableFault:
                found[name] = ""
        return found

    def resolve_settings(self, written: SettingsDocument) -> Settings:
        at = ("settings",)
        if written.packing == "tight":
            self.add("not-supported-yet", "packing = 'tight' is not supported yet", (*at, "packing"), 'write "levels"')
        barriers = bool(self.document.wave) or written.max_tasks_per_wave > 0
        return Settings(
            default=self.texts(written.default, (*at, "default")),
            jobs=written.jobs,
            max_parallel_waves=written.max_parallel_waves,
            max_tasks_per_wave=written.max_tasks_per_wave,
            schedule=written.schedule or ("waves" if barriers else "flow"),
            trust=written.trust,
            retries=_given(written.retries, 0),
            retry_delay=self.duration(written.retry_delay, (*at, "retry_delay")),
            timeout=self.duration(written.timeout, (*at, "timeout")),
            on_failure=_given(written.on_failure, "fail"),
            output=written.output,
            shell=self.texts(written.shell, (*at, "shell")),
            log_limit=self.size(written.log_limit, (*at, "log_limit")),
            cache_dirs=tuple(
                folder.rstrip("/") + "/" for folder in self.paths(written.cache_dirs, (*at, "cache_dirs"), inside=False)
            ),
        )

    def wave(self, index: int) -> WaveSpec:
        written = self.document.wave[index]
        at = ("wave", index)
        if fault := name_fault(written.name):
            self.add("bad-name", f"{written.name!r}: {fault}", (*at, "name"))
        return WaveSpec(
            name=written.name,
            tasks=self.texts(written.tasks, (*at, "tasks")),
            order=written.order,
            parallel=written.parallel if isinstance(written.parallel, bool) else tuple(written.parallel),
        )

    # -- tasks -------------------------------------------------------------------------------------------------

    def task(self, name: str, written: TaskDocument) -> Task:
        at = ("task", name)
        if fault := name_fault(name):
            self.add("bad-name", f"task {name!r}: {fault}", at, on_key=True)
        inputs, excluded, sources = self.inputs(written.inputs, (*at, "inputs"))
        commands, argv = self.commands(name, written, at)
        return Task(
            name=name,
            description=written.description,
            commands=commands,
            argv=argv,
            inputs=inputs,
            excluded=excluded,
            sources=sources,
            outputs=None if written.outputs is UNSET else self.paths(_list(written.outputs), (*at, "outputs")),
            modifies=self.paths(written.modifies, (*at, "modifies")) if written.modifies else (),
            needs=self.texts(written.needs, (*at, "needs")) if written.needs else (),
            after=self.texts(written.after, (*at, "after")) if written.after else (),
            depfile=self.path(written.depfile, (*at, "depfile"), inside=False) if written.depfile else "",
            env=self.env(written.env, (*at, "env")) if written.env else {},
            cwd=self.cwd(written.cwd, (*at, "cwd")) if written.cwd else "",
            tags=tuple(written.tags),
            mutex=self.texts(written.mutex, (*at, "mutex")) if written.mutex else (),
            resources=self.requests(written.resources, at) if written.resources else {},
            **self.behaviour(name, written, at),
        )

    def behaviour(self, name: str, written: TaskDocument, at: KeyPath) -> dict[str, Any]:
        """The fields that say how a task is run, with the settings' and the waves' defaults."""
        retries, on_failure = self.settings.retries, self.settings.on_failure
        if name in self.in_wave:
            retries = _given(self.document.settings.retries, WAVE_RETRIES)
            on_failure = _given(self.document.settings.on_failure, "ask")
        settings = self.settings
        priority = written.priority
        return {
            "shell": settings.shell if written.shell is UNSET else self.shell(_list(written.shell), (*at, "shell")),
            "priority": PRIORITIES[priority] if isinstance(priority, str) else priority,
            "retries": _given(written.retries, retries),
            "retry_delay": self.optional(written.retry_delay, (*at, "retry_delay"), settings.retry_delay),
            "timeout": self.optional(written.timeout, (*at, "timeout"), settings.timeout),
            "on_failure": _given(written.on_failure, on_failure),
            "allow_failure": written.allow_failure,
            "interactive": written.interactive,
            "daemon": written.daemon,
            "manual": written.manual,
            "keep_outputs": written.keep_outputs,
        }

    def optional(self, written: str | UnsetType, path: KeyPath, default: float) -> float:
        return default if isinstance(written, UnsetType) else self.duration(written, path)

    def shell(self, written: list[str], path: KeyPath) -> tuple[str, ...]:
        if not written:
            self.add("bad-shell", "a shell needs at least its program", path, 'write ["sh", "-eu", "-c"]')
        return self.texts(written, path)

    def cwd(self, written: str, path: KeyPath) -> str:
        folder = self.path(written, path)
        return "" if folder == "./" else folder.rstrip("/")

    def inputs(
        self, written: list[str | FromDocument] | UnsetType, path: KeyPath
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...], tuple[str, ...]]:
        if isinstance(written, UnsetType):
            return None, (), ()
        kept, excluded, sources = [], [], []
        for index, entry in enumerate(written):
            if isinstance(entry, FromDocument):
                sources.append(self.text(entry.source, (*path, index)))
            elif entry.startswith("!"):
                excluded.append(self.path(entry[1:], (*path, index), inside=False))
            else:
                kept.append(self.path(entry, (*path, index), inside=False))
        return tuple(kept), tuple(excluded), tuple(sources)

    def commands(self, name: str, written: TaskDocument, at: KeyPath) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if written.run is not UNSET and written.argv is not UNSET:
            self.add(
                "two-commands", f"task {name!r} has both 'run' and 'argv'", (*at, "argv"), "keep one of them", True
            )
        scripts: list[str] = []
        if not isinstance(written.run, UnsetType):
            scripts = [written.run] if isinstance(written.run, str) else written.run
            for index, script in enumerate(scripts):
                if fault := script_fault(script):
                    where = (*at, "run") if isinstance(written.run, str) else (*at, "run", index)
                    self.add(fault.slug, fault.message, where, fault.step)
        argv = () if isinstance(written.argv, UnsetType) else self.texts(written.argv, (*at, "argv"))
        if written.argv is not UNSET and not argv:
            self.add("empty-argv", f"'argv' of task {name!r} is empty", (*at, "argv"), "name the program to run")
        return tuple(scripts), argv

    def env(self, written: Mapping[str, str | int | float], path: KeyPath) -> dict[str, str]:
        found = {}
        for name, value in written.items():
            if fault := variable_fault(name):
                self.add("reserved-name" if "reserved" in fault else "bad-variable", fault, (*path, name), "", True)
            found[name] = self.text(str(value), (*path, name))
        return found

    def requests(self, written: Mapping[str, int | str], at: KeyPath) -> dict[str, int]:
        amounts = self.sizes(written, (*at, "resources"))
        for pool, amount in amounts.items():
            path = (*at, "resources", pool)
            if pool not in self.pools:
                self.add("unknown-resource", f"there is no pool {pool!r}", path, f"add {pool} = … to [resources]", True)
            elif amount > self.pools[pool]:
                step = f"the pool has {self.pools[pool]}: ask for less, or enlarge it in [resources]"
                self.add("over-pool", f"task {at[1]!r} asks for {amount} of {pool!r}", path, step)
        return amounts


def _given(value: Any, default: Any) -> Any:
    return default if value is UNSET else value


def _list(value: list[str] | UnsetType) -> list[str]:
    return [] if isinstance(value, UnsetType) else value
