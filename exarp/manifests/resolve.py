"""From what is written to what is meant: settings, pools and waves, and with ``tasks.task`` the whole manifest.

Knows defaults that depend on other keys. Does not know whether the names that tasks and waves use exist
(``references``), nor anything of files on disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from exarp.errors import Place, Problem, Related
from exarp.manifests.document import CacheDocument, SettingsDocument, TaskDocument, is_stand_in, stand_in
from exarp.manifests.naming import named, named_tasks, named_wave
from exarp.manifests.outside import Outside
from exarp.manifests.sound import Sound
from exarp.manifests.tasks.conditions import scripts
from exarp.manifests.tasks.fields import Fields, is_reserved
from exarp.manifests.tasks.readers import Readers
from exarp.manifests.tasks.task import FREQUENT, Agents, Pool
from exarp.manifests.variables.exported import exported
from exarp.model.manifest import Cache, Manifest, Recovery, Settings, WaveSpec
from exarp.model.name import name_fault, renamed
from exarp.model.task import Task

if TYPE_CHECKING:
    from exarp.manifests.tasks.expansion import Expansion
    from exarp.manifests.tasks.templates import Templates

# What a person planned as a wave deserves more than one try, and a question before it is given up.
_WAVE_RETRIES = 3


class Within(Struct, frozen=True):
    """What other files of a manifest say that counts in this one: its tasks that their waves list, by the names that this file
    has for them; all pools; the settings, unless they are this file's own; the agents of files around this one.
    """

    planned: Set[str] = frozenset()
    pools: Mapping[str, Pool] = {}
    settings: Settings | None = None
    agents: Agents = {}


def resolve(
    sound: Sound,
    raw: Mapping[str, Any],
    fields: Fields,
    outside: Outside,
    memory: int,
    within: Within = Within(),  # noqa: B008 (immutable)
) -> tuple[Manifest, frozenset[str]]:
    """The manifest that the ``sound`` part of a document means, which was parsed as ``raw``; faults are collected. Then the
    matrices that have no instances because their axes are at fault.

    What ``{ from = … }`` stands for is not among the inputs yet: it may be in another file (``naming.with_sources``).

    ``memory``: physical memory in bytes, the default of the pool of that name; 0 where it is not known.
    """
    resolver = _Resolver(sound, raw, fields, outside, memory, within)
    return resolver.manifest(), frozenset(resolver.expansion.broken if resolver.expands else ())


class _Resolver:
    def __init__(
        self, sound: Sound, raw: Mapping[str, Any], fields: Fields, outside: Outside, memory: int, within: Within
    ) -> None:
        self.within = within
        self.document = sound.document
        self.fields = fields
        self.memory = memory
        self.told: set[tuple[str, Place | None]] = set()
        self._sound = sound
        self._raw = raw
        self._outside = outside

    # Few manifests have either of the two, and the others do not load what they need.

    @cached_property
    def templates(self) -> Templates:
        from exarp.manifests.tasks.templates import Templates

        found = Templates(self.document, self._raw, self.fields)
        self.fields.locator.chains = found.chains
        return found

    @cached_property
    def expansion(self) -> Expansion:
        from exarp.manifests.tasks.expansion import Expansion

        return Expansion(self.fields, self._outside, self._sound.broken_matrices)

    @property
    def expands(self) -> bool:
        """Whether there is any matrix, sound or not."""
        return "expansion" in self.__dict__ or bool(self._sound.broken_matrices)

    def manifest(self) -> Manifest:
        variables = self.fields.variables
        self.check_variables()
        settings = self.within.settings or self.settings(self.document.settings)
        amounts = self.fields.sizes(self.document.resources, ("resources",))
        pools = self.pools(amounts) | dict(self.within.pools)
        waves = [self.wave(index) for index in range(len(self.document.wave))]
        planned = {task for wave in waves for task in wave.tasks} | self.within.planned
        readers = Readers(self.fields, settings, self.of_waves(settings), pools, self.agents(), planned)
        tasks = self.tasks(readers)
        instances = self.expansion.instances if self.expands else {}
        if instances:
            tasks, waves = named_tasks(tasks, instances), [named_wave(wave, instances) for wave in waves]
            settings = replace(settings, default=named(settings.default, instances))
        found = tuple(tasks)
        if self.expands:
            self.expansion.check_globs(found)
        self.tell_failures()
        # Of an unknown machine a task may have what it asks for; two that ask for so much take turns.
        memory = self.memory or max((task.resources.get("memory", 0) for task in found), default=0)
        return Manifest(
            file=self.fields.locator.file,
            tasks=found,
            waves=tuple(waves),
            settings=settings,
            resources={"memory": memory} | amounts,
            cache=self.cache(self.document.cache),
            recovery=self.recovery(),
            vars=exported(variables, self.document.vars, self.failure),
            instances=instances,
        )

    def tasks(self, readers: Readers) -> list[Task]:
        if self.document.template:
            self.templates.check()
        found: list[Task] = []
        tables = self._raw.get("task")
        tables = tables if isinstance(tables, dict) else {}
        for name, written in self.document.task.items():
            if isinstance(table := tables.get(name), dict) and FREQUENT.issuperset(table):
                found.append(readers.of(name, written).frequent(name, written))
                continue
            before = len(found)
            if not written.extends and not written.matrix:
                found.append(readers.of(name, written).task(name, written))
            else:
                found += self.composed(name, written, readers)
            if len(found) > before and found[before].params:
                self.expansion.add_params(name, found[before].params)
        return found

    def composed(self, name: str, written: TaskDocument, readers: Readers) -> list[Task]:
        """The task, or its instances, of a table that extends templates or has a matrix."""
        if written.extends:
            written = self.templates.applied(name, written)
        before = len(self.fields.problems)
        if written.matrix:
            found = self.expansion.tasks(name, written, readers)
        else:
            found = [readers.of(name, written).task(name, written)]
        self.once(before)
        return found

    def once(self, before: int) -> None:
        """Of the problems since ``before``, keep one for each place that tasks share: others may have told of it already."""
        found = self.fields.problems[before:]
        del self.fields.problems[before:]
        for problem in found:
            if (problem.slug, problem.place) not in self.told:
                self.told.add((problem.slug, problem.place))
                self.fields.problems.append(problem)

    def tell_failures(self) -> None:
        """Commands of variables that fields asked for, and that did not work out."""
        self.fields.problems += [self.failure(name) for name in self.fields.variables.failures]

    def failure(self, name: str) -> Problem:
        """What went wrong with the command of a variable, at its place."""
        fault = self.fields.variables.failures[name]
        place = self.fields.locator.value("vars", name)
        return Problem(fault.slug, str(fault), place, fault.step)

    def pools(self, amounts: Mapping[str, int]) -> dict[str, Pool]:
        """What tasks can ask for: ``amounts``, and nothing known of pools whose size is at fault."""
        written = self.document.resources
        pools = {name: Pool(amounts.get(name), str(size)) for name, size in written.items()}
        machine = Pool(self.memory or None, f"{self.memory / 1024**3:.1f}GiB in this machine")
        return {"memory": machine} | pools

    def agents(self) -> Agents:
        """The agents that prompts may be carried out by, each with its scripts."""
        found = dict(self.within.agents)
        for name, written in self.document.agents.items():
            found[name] = scripts(written.run, ("agents", name, "run"), self.fields.check_script)
        return found

    def check_variables(self) -> None:
        variables, fields = self.fields.variables, self.fields
        for name in self.document.vars:
            if not name:
                message = "the name of a variable cannot be empty"
                fields.add("bad-variable", message, ("vars", name), "give it a name", on_key=True)
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
        barriers = bool(self.document.wave or written.verify) or written.max_tasks_per_wave > 0
        log_limit = fields.size(written.log_limit, (*at, "log_limit"))
        folders = fields.paths(written.cache_dirs, (*at, "cache_dirs"), inside=False)
        return Settings(
            default=fields.texts(written.default, (*at, "default")),
            jobs=written.jobs,
            jobserver=written.jobserver,
            max_parallel_waves=written.max_parallel_waves,
            max_agents=written.max_agents,
            max_tasks_per_wave=written.max_tasks_per_wave,
            packing=written.packing,
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
            secrets=fields.variables_named(written.secrets, (*at, "secrets"), tracked=False),
            cache_dirs=tuple([folder.rstrip("/") + "/" for folder in folders]),
            verify=scripts(written.verify, (*at, "verify"), fields.check_script) if written.verify else (),
            on_failure_of_verify=_given(written.on_failure, "ask"),
        )

    def recovery(self) -> Recovery | None:
        written, at = self.document.recovery, ("recovery",)
        if isinstance(written, UnsetType):
            return None
        return Recovery(
            scripts(written.run, (*at, "run"), self.fields.check_script),
            written.attempts,
            self.fields.duration(written.timeout, (*at, "timeout")),
        )

    def cache(self, written: CacheDocument) -> Cache:
        fields, at = self.fields, ("cache",)
        folder = fields.text(written.dir, (*at, "dir"))
        if folder == "":
            fields.add(
                "bad-path", "an empty text names no folder", (*at, "dir"), "name a folder, or set enabled = false"
            )
        limit = fields.size(written.max_size, (*at, "max_size"))
        default = Cache()
        return Cache(written.enabled, folder or default.dir, default.max_size if limit is None else limit)

    def of_waves(self, settings: Settings) -> Settings:
        """The settings as they hold for tasks of declared waves, and for prompts."""
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
            self.fields.add("bad-name", f"wave {name!r}: {fault}", (*at, "name"), renamed(name))
        marking = written.parallel
        return WaveSpec(
            name=name,
            tasks=self.fields.texts(written.tasks, (*at, "tasks")),
            order=written.order,
            parallel=marking if isinstance(marking, bool) else self.fields.texts(marking, (*at, "parallel")),
            group=_given(written.group, None),
            verify=scripts(written.verify, (*at, "verify"), self.fields.check_script) if written.verify else (),
            checkpoint=written.checkpoint,
            folder=self.fields.locator.base if written.verify else "",
        )


def _given(value: Any, default: Any) -> Any:
    return default if value is UNSET else value
