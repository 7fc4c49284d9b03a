"""A manifest with every default filled in: tasks, declared waves, settings, pools, variables.

Knows the values' shapes. Does not know the file format they came from, nor anything of planning.
"""

# Types as in ``task``.

from collections.abc import Iterable, Mapping

import msgspec

from exarp.model.choice import JobserverStyle, OnFailure, Order, OutputMode, Packing, Schedule, Trust
from exarp.model.name import prefix_of
from exarp.model.task import Task


class WaveSpec(msgspec.Struct, frozen=True):
    """A declared wave. ``parallel`` is its marking: beside all (True), none (False), or the named ones.

    ``group``: the number that its plan has. ``verify``: scripts that tell whether it is all well when it has ended, run in
    ``folder``; ``checkpoint``: a person is to look before anything goes on after it.
    """

    name: str
    tasks: tuple[str, ...]
    order: Order = "parallel"
    parallel: bool | tuple[str, ...] = False
    group: int | None = None
    verify: tuple[str, ...] = ()
    checkpoint: bool = False
    folder: str = ""

    def allows(self, other: str) -> bool:
        """Whether this wave's own marking lets it run beside the wave ``other``."""
        return self.parallel if isinstance(self.parallel, bool) else other in self.parallel


class Settings(msgspec.Struct, frozen=True):
    """What ``[settings]`` says. ``jobs = 0`` means "as many as this process may use CPUs". ``on_failure_of_verify``: what becomes
    of a run when a verification fails, of the whole or of a wave."""

    default: tuple[str, ...] = ()
    jobs: int = 0
    jobserver: JobserverStyle = "pipe"
    max_parallel_waves: int = 8
    max_agents: int = 8
    max_tasks_per_wave: int = 0
    packing: Packing = "levels"
    schedule: Schedule = "flow"
    trust: Trust = "plan"
    retries: int = 0
    retry_delay: float = 0.0
    timeout: float = 0.0
    on_failure: OnFailure = "fail"
    output: OutputMode = "grouped"
    shell: tuple[str, ...] = ("sh", "-eu", "-c")
    log_limit: int = 64 * 1024 * 1024
    cache_dirs: tuple[str, ...] = ()
    dotenv: tuple[str, ...] = ()
    clean_env: bool = False
    pass_env: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    verify: tuple[str, ...] = ()
    on_failure_of_verify: OnFailure = "ask"


class Recovery(msgspec.Struct, frozen=True):
    """What ``[recovery]`` says: ``commands`` are scripts that may mend what made a task or a verification fail; then it is tried
    again. ``attempts``: how often at most; ``timeout``: seconds for each time."""

    commands: tuple[str, ...]
    attempts: int = 3
    timeout: float = 600.0


class Cache(msgspec.Struct, frozen=True):
    """What ``[cache]`` says of artifacts. ``dir``: as it is written, see ``app.running.artifacts``; ``max_size``: bytes."""

    enabled: bool = True
    dir: str = ".exarp/cache"
    max_size: int = 10 * 1024**3


class Manifest(msgspec.Struct, frozen=True):
    """All of one manifest. ``tasks`` keep the order of the file; ``file`` is relative to the workspace.

    ``instances``: by the name of each matrix the names of its tasks, in order. A matrix is no task itself. Tasks, waves and
    settings name tasks only; who takes names from a command line asks ``named``.

    ``blocked``: tasks that are in no wave, with those that they wait for and that nobody may do now. ``settled``: what plans
    and task states name and is no task to do, with its status. ``prose``: all its tasks are told in words.
    ``vars`` are those of the root; ``inner_vars``: by the prefix of an included file those that its tasks find.
    ``dotenv``: for each list of a task's dotenv files all that they and those of the settings say, for ``()`` those alone.
    ``links``: folders that are symbolic links, see ``model.links``; ``seen``: where there are any, the tasks seen through them.
    """

    file: str
    tasks: tuple[Task, ...]
    waves: tuple[WaveSpec, ...] = ()
    settings: Settings = Settings()
    resources: dict[str, int] = {}
    cache: Cache = Cache()
    recovery: Recovery | None = None
    vars: Mapping[str, str] = {}
    digest: str = ""
    instances: dict[str, tuple[str, ...]] = {}
    blocked: dict[str, tuple[str, ...]] = {}
    settled: dict[str, str] = {}
    prose: bool = False
    dotenv: dict[tuple[str, ...], Mapping[str, str]] = {}
    links: dict[str, str] = {}
    seen: tuple[Task, ...] = ()
    inner_vars: dict[str, Mapping[str, str]] = {}

    @property
    def real_tasks(self) -> tuple[Task, ...]:
        """The tasks by the real names of their folders: what touches what is judged by these."""
        return self.seen or self.tasks

    def vars_of(self, task: Task) -> Mapping[str, str]:
        """The variables of the file that a task comes from, and of those around it."""
        if not self.inner_vars:
            return self.vars
        return self.inner_vars.get(prefix_of(task.name), self.vars)

    def named(self, names: Iterable[str]) -> tuple[str, ...]:
        """The tasks that ``names`` stand for: those of a matrix for its name, each once, in order."""
        if not self.instances:
            return tuple(names)
        return tuple(dict.fromkeys(task for name in names for task in self.instances.get(name, (name,))))
