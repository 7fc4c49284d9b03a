"""From what is written to what is meant: settings, pools and waves, and with ``tasks`` the whole manifest.

Knows defaults that depend on other keys. Does not know whether the names that tasks and waves use exist
(``references``), nor anything of files on disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from exarp.errors import Problem, Related
from exarp.manifests.document import Document, SettingsDocument, is_stand_in, stand_in
from exarp.manifests.fields import Fields, is_reserved
from exarp.manifests.place import Locator
from exarp.manifests.tasks import Pool, TaskReader
from exarp.manifests.variables import Variables
from exarp.model.manifest import Manifest, Settings, WaveSpec
from exarp.model.name import name_fault
from exarp.model.task import Task

# What a person planned as a wave deserves more than one try, and a question before it is given up.
_WAVE_RETRIES = 3


def resolve(
    document: Document, variables: Variables, locator: Locator, memory: int, problems: list[Problem]
) -> Manifest:
    """The manifest that ``document`` means; faults are appended to ``problems``.

    ``memory``: physical memory in bytes, the default of the pool of that name; 0 where it is not known.
    """
    return _Resolver(document, Fields(variables, locator, problems), memory).manifest()


class _Resolver:
    def __init__(self, document: Document, fields: Fields, memory: int) -> None:
        self.document = document
        self.fields = fields
        self.memory = memory

    def manifest(self) -> Manifest:
        self.check_variables()
        settings = self.settings(self.document.settings)
        amounts = self.fields.sizes(self.document.resources, ("resources",))
        pools = self.pools(amounts)
        waves = tuple([self.wave(index) for index in range(len(self.document.wave))])
        reader = TaskReader(self.fields, settings, pools)
        planned = TaskReader(self.fields, self.of_waves(settings), pools)
        in_waves = {task for wave in waves for task in wave.tasks}
        tasks = with_sources(
            [
                (planned if name in in_waves else reader).task(name, written)
                for name, written in self.document.task.items()
            ]
        )
        # Of an unknown machine a task may have what it asks for; two that ask for so much take turns.
        memory = self.memory or max((task.resources.get("memory", 0) for task in tasks), default=0)
        return Manifest(
            file=self.fields.locator.file,
            tasks=tasks,
            waves=waves,
            settings=settings,
            resources={"memory": memory} | amounts,
            vars={name: self.fields.variables.values.get(name, "") for name in self.document.vars},
        )

    def pools(self, amounts: Mapping[str, int]) -> dict[str, Pool]:
        """What tasks can ask for: ``amounts``, and nothing known of pools whose size is at fault."""
        written = self.document.resources
        pools = {name: Pool(amounts.get(name), str(size)) for name, size in written.items()}
        machine = Pool(self.memory or None, f"{self.memory / 1024**3:.1f}GiB in this machine")
        return {"memory": machine} | pools

    def check_variables(self) -> None:
        variables, fields = self.fields.variables, self.fields
        for name in self.document.vars:
            if is_reserved(name):
                message = f"the variable name {name!r} is reserved"
                fields.add("reserved-name", message, ("vars", name), "choose another name", on_key=True)
            fields.tell(variables.faults.get(name, ()), ("vars", name))
        for cycle in variables.cycles:
            self.variable_cycle(cycle)

    def variable_cycle(self, cycle: tuple[str, ...]) -> None:
        locator = self.fields.locator
        steps = list(zip(cycle, (*cycle[1:], cycle[0]), strict=True))
        related = [
            Related(locator.within(("vars", name), f"${{{used}}}"), f"{name} uses {used}") for name, used in steps
        ]
        if len(cycle) == 1:
            problem = Problem("variable-cycle", f"variable {cycle[0]!r} uses itself", related[0].place, "write it out")
        else:
            message = f"{' → '.join([*cycle, cycle[0]])} is a cycle of variables"
            problem = Problem("variable-cycle", message, related[0].place, "write one of them out", tuple(related))
        self.fields.problems.append(problem)

    def settings(self, written: SettingsDocument) -> Settings:
        fields, at = self.fields, ("settings",)
        if written.packing == "tight":
            message = "packing = 'tight' is not supported yet"
            fields.add("not-supported-yet", message, (*at, "packing"), 'write "levels"')
        barriers = bool(self.document.wave) or written.max_tasks_per_wave > 0
        log_limit = fields.size(written.log_limit, (*at, "log_limit"))
        folders = fields.paths(written.cache_dirs, (*at, "cache_dirs"), inside=False)
        return Settings(
            default=fields.texts(written.default, (*at, "default")),
            jobs=written.jobs,
            max_parallel_waves=written.max_parallel_waves,
            max_tasks_per_wave=written.max_tasks_per_wave,
            schedule=written.schedule or ("waves" if barriers else "flow"),
            trust=written.trust,
            retries=_given(written.retries, 0),
            retry_delay=fields.duration(written.retry_delay, (*at, "retry_delay")),
            timeout=fields.duration(written.timeout, (*at, "timeout")),
            on_failure=_given(written.on_failure, "fail"),
            output=written.output,
            shell=fields.texts(written.shell, (*at, "shell")),
            log_limit=Settings().log_limit if log_limit is None else log_limit,
            clean_env=written.clean_env,
            pass_env=fields.variables_named(written.pass_env, (*at, "pass_env"), tracked=False),
            cache_dirs=tuple([folder.rstrip("/") + "/" for folder in folders]),
        )

    def of_waves(self, settings: Settings) -> Settings:
        """The settings as they hold for tasks of declared waves."""
        written = self.document.settings
        return replace(
            settings,
            retries=_given(written.retries, _WAVE_RETRIES),
            on_failure=_given(written.on_failure, "ask"),
        )

    def wave(self, index: int) -> WaveSpec:
        written, at = self.document.wave[index], ("wave", index)
        name = written.name if is_stand_in(written.name) else self.fields.text(written.name, (*at, "name"))
        if name is None:
            name = stand_in(index + 1)
        elif not is_stand_in(name) and (fault := name_fault(name)):
            self.fields.add("bad-name", f"wave {name!r}: {fault}", (*at, "name"), "rename it")
        marking = written.parallel
        return WaveSpec(
            name=name,
            tasks=self.fields.texts(written.tasks, (*at, "tasks")),
            order=written.order,
            parallel=marking if isinstance(marking, bool) else self.fields.texts(marking, (*at, "parallel")),
        )


def with_sources(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks, with what ``{ from = … }`` stands for among their inputs: all that those tasks declare as outputs."""
    if not any(task.sources for task in tasks):
        return tuple(tasks)
    outputs = {task.name: task.outputs or () for task in tasks}
    return tuple([_with_sources(task, outputs) if task.sources else task for task in tasks])


def _with_sources(task: Task, outputs: Mapping[str, tuple[str, ...]]) -> Task:
    taken = [path for name in task.sources for path in outputs.get(name, ())]
    return replace(task, inputs=tuple(dict.fromkeys([*(task.inputs or ()), *taken])))


def _given(value: Any, default: Any) -> Any:
    return default if value is UNSET else value
