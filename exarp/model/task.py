"""A task with every default filled in.

Knows: what a task says of itself. Does not know how it was written down (``manifests``), where in a
graph it stands, or whether its files exist.
"""

# Without annotations from the future, as in ``manifests.document``: an index holds tasks and what is around them, and whoever
# reads one would compile every type.

import msgspec

from exarp.model.choice import OnFailure
from exarp.model.param import Param

PRIORITIES = {"critical": 100, "high": 50, "medium": 0, "low": -50}


class Requirement(msgspec.Struct, frozen=True):
    """What must be there before a task runs: ``program`` in PATH, or ``run`` (a script) that succeeds. ``message``: what
    to tell a person where it is not."""

    program: str = ""
    run: str = ""
    message: str = ""


class Service(msgspec.Struct, frozen=True):
    """How a task that keeps running is known to be ready: a TCP ``port`` of this machine takes connections, the script
    ``ready`` succeeds, or (neither) it was started. It is tried every ``interval`` seconds, for ``timeout`` seconds."""

    port: int = 0
    ready: str = ""
    timeout: float = 60.0
    interval: float = 0.2


class Task(msgspec.Struct, frozen=True, gc=False):
    """One unit of work.

    Paths are normalised patterns relative to the workspace root (see ``model.path``). ``None`` for
    ``inputs`` or ``outputs`` means undeclared; an empty tuple means "declared: none".
    ``tools`` are read as inputs are, but for ``excluded``, and are not in ``$in``. ``allow_empty``: a glob may match nothing.
    ``sources`` are tasks whose outputs are among the inputs, as ``{ from = … }`` wants.
    ``parent`` is a task that this one is a part of; it orders like a need.
    ``variables``: values that only this task has, such as those of its matrix: exported to scripts that name them.
    ``params``: what the command line may give it; their values are among the ``variables``.
    ``arguments``: what a script finds as ``"$@"``; a manifest never says it. ``aliases``: other names on the command line.
    ``track_env``: names and globs of variables that count although no script names them. ``dotenv``: files of variables.
    ``commands`` are scripts for ``shell``, run one after the other; ``argv`` is run without a shell.
    ``prompt``: what an agent is to do, in words; then ``agent`` is its name, and ``commands`` are what carries it out.
    ``prose``: what somebody is to do, in words that are never executed, as plans and task states have it; then there are no
    commands. A task with none of these is a *group*. Durations are seconds, resource requests are plain numbers
    (bytes for memory).
    ``when`` is a script whose exit status says whether the task is wanted; ``platforms`` are those that it is for
    (``model.platform``), none: all. ``confirm`` is a question that a person says yes to before it runs, True: the usual one;
    ``cleanup`` are scripts that run after its last attempt, however that ended (``finally`` in a manifest).
    ``verify`` are scripts that run right after its commands, and are part of its success.
    ``no_retry_on``: exit statuses that no other attempt would mend.
    ``cache``: whether its successes are kept and restored; None: where that is safe (``planning.artifacts``).
    """

    name: str
    description: str = ""
    commands: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()
    prompt: str = ""
    agent: str = ""
    inputs: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    allow_empty: bool = False
    outputs: tuple[str, ...] | None = None
    modifies: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    parent: str = ""
    depfile: str = ""
    env: dict[str, str] = {}
    variables: dict[str, str] = {}
    track_env: tuple[str, ...] = ()
    dotenv: tuple[str, ...] = ()
    cwd: str = ""
    shell: tuple[str, ...] = ("sh", "-eu", "-c")
    priority: int = 0
    tags: tuple[str, ...] = ()
    params: tuple[Param, ...] = ()
    aliases: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    mutex: tuple[str, ...] = ()
    resources: dict[str, int] = {}
    retries: int = 0
    retry_delay: float = 0.0
    no_retry_on: tuple[int, ...] = ()
    verify: tuple[str, ...] = ()
    timeout: float = 0.0
    on_failure: OnFailure = "fail"
    allow_failure: bool = False
    interactive: bool = False
    daemon: bool = False
    manual: bool = False
    internal: bool = False
    keep_outputs: bool = False
    prose: str | None = None
    when: str = ""
    platforms: tuple[str, ...] = ()
    requires: tuple[Requirement, ...] = ()
    confirm: bool | str = False
    cleanup: tuple[str, ...] = ()
    service: Service | None = None
    cache: bool | None = None

    @property
    def attempted(self) -> tuple[str, ...]:
        """The scripts that an attempt consists of, as far as a shell runs it."""
        return (*self.commands, *self.verify) if self.verify else self.commands

    @property
    def decisive(self) -> tuple[str, ...]:
        """The scripts that what it comes to depends on. Who carries out a prompt does not count: what was done stays done."""
        return self.verify if self.prompt else self.attempted

    @property
    def scripts(self) -> tuple[str, ...]:
        """All that is run for it by its shell."""
        if not (self.when or self.requires or self.cleanup or self.service is not None):
            return self.attempted
        required = [required.run for required in self.requires]
        ready = self.service.ready if self.service is not None else ""
        return (*self.attempted, *filter(None, (self.when, *required, *self.cleanup, ready)))

    @property
    def question(self) -> str:
        """What a person is asked before it runs."""
        return self.confirm if isinstance(self.confirm, str) else f"Run {self.name}?"

    @property
    def is_group(self) -> bool:
        """Whether the task runs nothing itself and only gathers others."""
        return not self.commands and not self.argv and self.prose is None

    @property
    def always_runs(self) -> bool:
        """Whether nothing that the task says could ever make it up to date. A prompt that was done is done, whatever it
        declares."""
        return self.service is not None or (self.inputs is None and self.outputs is None and not self.prompt)

    @property
    def is_declared(self) -> bool:
        """Whether the task says all that it reads and all that it writes (a group does neither; of prose its reader knows;
        a service is there to run beside others)."""
        if self.prose is not None or self.is_group or self.service is not None:
            return True
        writes = self.outputs is not None or bool(self.modifies)
        return self.inputs is not None and writes
