"""The manifest as it is written: one struct a table, the same for every format.

Knows keys, their types and what each means; the JSON Schema of ``exarp schema`` is made from these structs.
Does not know defaults that depend on other keys (``resolve``), nor whether names and files exist.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from exarp.model.choice import OnFailure, Order, OutputMode, Packing, Schedule, Trust

# `extra["words"]` is what messages call a type that is more than its JSON type.
Duration = Annotated[str, Meta(examples=["500ms", "30s", "1h30m"], extra={"words": 'a duration such as "30s"'})]
Size = Annotated[str, Meta(examples=["64MiB", "8GB", "512"], extra={"words": 'a size such as "64MiB"'})]
# What a count of anything may be: a database, a clock and a person can hold it.
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
# TOML leaves larger numbers undefined, and no store takes them.
Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Scalar = str | Integer | float
Amount = Integer | Size


class FromDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``{ from = "cc" }``: whatever that task declares as its outputs."""

    words: ClassVar[str] = '{ from = "TASK" }'
    source: str = msgspec.field(name="from")


InputDocument = str | FromDocument


class RequirementDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``{ run = "docker info", message = "start docker first" }``: a command that must succeed."""

    words: ClassVar[str] = '{ run = "COMMAND" }'
    run: Annotated[
        str, Meta(description="A script for the task's shell; what it requires is there if it exits with 0.")
    ]
    message: Annotated[str, Meta(description="What to tell a person where it does not.")] = ""


Required = str | RequirementDocument


class ServiceDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``{ port = 8080 }`` or ``{ ready = "pg_isready" }``: how a task that keeps running is known to be ready."""

    words: ClassVar[str] = "{ port = 8080 }"
    port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | str | UnsetType,
        Meta(
            description="A TCP port of this machine, or its variable, that takes connections once the service is ready."
        ),
    ] = UNSET
    ready: Annotated[str, Meta(description="A script for the shell that exits with 0 once the service is ready.")] = ""
    timeout: Annotated[Duration, Meta(description="How long it may take until it is ready.")] = "1m"
    interval: Annotated[Duration, Meta(description="How often it is looked whether it is ready.")] = "200ms"


class CommandDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``{ run = "git describe" }``: what that script prints."""

    words: ClassVar[str] = '{ run = "SCRIPT" }'
    run: str


class GlobDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``{ glob = "src/**/*.c" }``: the files that match, one after the other; ``!…`` takes away."""

    words: ClassVar[str] = '{ glob = "PATTERN" }'
    glob: str | Annotated[list[str], Meta(min_length=1)]


VariableDocument = Scalar | list[Scalar] | CommandDocument
# `words` as above: a string can only be one list variable.
AxisDocument = (
    Annotated[str, Meta(extra={"words": 'a list variable such as "${names}"'})]
    | list[Scalar | Annotated[dict[str, Scalar], Meta(extra_json_schema={"required": ["name"]})]]
    | GlobDocument
)


class ParamDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``{ choices = ["a", "b"], default = "a" }``: what `exarp run TASK name=value` may say."""

    words: ClassVar[str] = '{ default = "VALUE" }'
    description: Annotated[str, Meta(description="What it is for, shown by `exarp show`.")] = ""
    required: Annotated[
        bool | UnsetType, Meta(description="Whether the command line must say it; so it is where there is no default.")
    ] = UNSET
    default: Annotated[Scalar | UnsetType, Meta(description="Its value where the command line says none.")] = UNSET
    choices: Annotated[list[Scalar], Meta(description="The values that it may have.")] = []


class TaskDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """A task, as in ``[task.NAME]``."""

    extends: Annotated[
        str | list[str], Meta(description="Templates whose fields are this task's defaults; later ones win.")
    ] = ""
    matrix: Annotated[
        dict[str, AxisDocument],
        Meta(description="Axes: the task becomes one instance for each value, or for each combination of values."),
    ] = {}
    description: Annotated[str, Meta(description="One line, shown by `exarp list`.")] = ""
    run: Annotated[
        str | Annotated[list[str], Meta(min_length=1)] | UnsetType,
        Meta(description="A script for the shell, or several, run one after the other, each in a shell of its own."),
    ] = UNSET
    argv: Annotated[
        Annotated[list[str], Meta(min_length=1)] | UnsetType,
        Meta(description="A command without a shell; an element $in or $out becomes one argument a path."),
    ] = UNSET
    inputs: Annotated[
        list[InputDocument] | UnsetType,
        Meta(description='Files, folders (trailing slash) and globs that are read; "!…" takes away.'),
    ] = UNSET
    outputs: Annotated[
        list[str] | UnsetType,
        Meta(description="Files, folders (trailing slash) and globs that are made; parent folders are made before."),
    ] = UNSET
    tools: Annotated[
        list[str],
        Meta(description="Files, folders and globs that the command itself is made of: as inputs, but not in $in."),
    ] = []
    allow_empty: Annotated[
        bool, Meta(description="A glob of inputs, tools, modifies, outputs or a matrix may match nothing.")
    ] = False
    modifies: Annotated[list[str], Meta(description="Files changed in place: neither input nor output.")] = []
    needs: Annotated[list[str], Meta(description="Tasks that must have passed before this one starts.")] = []
    after: Annotated[list[str], Meta(description="Tasks that go first if they run too; order only.")] = []
    parent: Annotated[str, Meta(description="The task that this one is a part of; orders like a need.")] = ""
    depfile: Annotated[str, Meta(description="Makefile-syntax file of dependencies that the command writes.")] = ""
    env: Annotated[dict[str, Scalar], Meta(description="Environment variables of the task.")] = {}
    track_env: Annotated[
        list[str], Meta(description="Variables, names or globs, that count although no script names them.")
    ] = []
    dotenv: Annotated[
        list[str],
        Meta(description="Files of NAME=value lines; they win over those of [settings], the caller over both."),
    ] = []
    cwd: Annotated[str, Meta(description="Folder the command runs in, relative to the workspace root.")] = ""
    shell: Annotated[
        Annotated[list[str], Meta(min_length=1)] | UnsetType,
        Meta(description="The shell's argument vector; the script is appended."),
    ] = UNSET
    priority: Annotated[
        Literal["critical", "high", "medium", "low"] | Integer,
        Meta(description="Which of several ready tasks starts first; medium is 0, higher numbers go first."),
    ] = "medium"
    tags: Annotated[list[str], Meta(description="Words to select tasks by.")] = []
    params: Annotated[
        dict[str, Scalar | ParamDocument],
        Meta(description="Values that `exarp run TASK name=value` gives: ${name} in fields, $name in scripts."),
    ] = {}
    aliases: Annotated[list[str], Meta(description="Other names of the task on the command line.")] = []
    mutex: Annotated[list[str], Meta(description="Names; no two tasks that share one run at the same time.")] = []
    resources: Annotated[
        dict[str, Amount], Meta(description="How much of each pool of [resources] the task takes while it runs.")
    ] = {}
    retries: Annotated[Count | UnsetType, Meta(description="How often to try again after the first failure.")] = UNSET
    retry_delay: Annotated[Duration | UnsetType, Meta(description="Wait before a retry; doubles each time.")] = UNSET
    timeout: Annotated[Duration | UnsetType, Meta(description="Per attempt; 0s is none.")] = UNSET
    on_failure: Annotated[OnFailure | UnsetType, Meta(description="What a failure does to the rest of the run.")] = (
        UNSET
    )
    allow_failure: Annotated[bool, Meta(description="Dependents run all the same; the exit code is unaffected.")] = (
        False
    )
    interactive: Annotated[bool, Meta(description="Runs alone and owns the terminal.")] = False
    daemon: Annotated[bool, Meta(description="What the task leaves running is not ended.")] = False
    manual: Annotated[bool, Meta(description="Runs only when named or needed.")] = False
    internal: Annotated[bool, Meta(description="Runs only when needed; it cannot be named, and is not listed.")] = False
    keep_outputs: Annotated[bool, Meta(description="Do not empty output folders before the task runs.")] = False
    when: Annotated[
        str, Meta(description="A script for the shell: the task is skipped, and fails nobody, unless it exits with 0.")
    ] = ""
    platforms: Annotated[
        list[str], Meta(description="Where the task is for (linux, macos/arm64, arm64 …); elsewhere it is skipped.")
    ] = []
    requires: Annotated[
        list[Required],
        Meta(description="Programs that must be in PATH, and commands that must succeed, before the task runs."),
    ] = []
    confirm: Annotated[
        bool | str,
        Meta(description="A question that a person, or --yes, says yes to before it runs; true: whether to."),
    ] = False
    cleanup: Annotated[
        str | Annotated[list[str], Meta(min_length=1)] | UnsetType,
        Meta(description="Scripts that run after the last attempt, however it ended; they find $EXARP_OUTCOME."),
    ] = msgspec.field(default=UNSET, name="finally")
    service: Annotated[
        bool | ServiceDocument,
        Meta(
            description="Keeps running: started when a task needs it, ended after the last; true: ready once started."
        ),
    ] = False
    cache: Annotated[
        bool | UnsetType,
        Meta(description="Whether its successes are kept and restored; false for what acts beyond its files."),
    ] = UNSET


class CacheDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``[cache]``: outputs of successes, restored when their fingerprint is seen again."""

    enabled: Annotated[bool, Meta(description="Whether successes are kept and restored.")] = True
    dir: Annotated[
        str,
        Meta(description="The folder that keeps them: of the workspace, or one that several share, with ~ or in full."),
    ] = ".exarp/cache"
    max_size: Annotated[Size, Meta(description="How large it may become; what was used longest ago makes way.")] = (
        "10GiB"
    )


class SettingsDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``[settings]``."""

    default: Annotated[list[str], Meta(description="What `exarp run` takes when no task is named.")] = []
    jobs: Annotated[Count, Meta(description="Commands at once, over all waves; 0 is the CPUs of this process.")] = 0
    max_parallel_waves: Annotated[int, Meta(ge=1, le=2**31 - 1, description="Waves at once.")] = 8
    max_tasks_per_wave: Annotated[Count, Meta(description="Larger waves become consecutive parts; 0 is no limit.")] = 0
    packing: Annotated[
        Packing, Meta(description="levels: one derived wave a level; tight: as few as max_tasks_per_wave allows.")
    ] = "levels"
    schedule: Annotated[
        Schedule | Literal[""], Meta(description="waves: barriers between waves; flow: tasks start as their needs end.")
    ] = ""
    trust: Annotated[Trust, Meta(description="plan: undeclared files are no doubt; proof: every doubt counts.")] = (
        "plan"
    )
    retries: Annotated[Count | UnsetType, Meta(description="Default of the tasks' `retries`.")] = UNSET
    retry_delay: Annotated[Duration, Meta(description="Default of the tasks' `retry_delay`.")] = "0s"
    timeout: Annotated[Duration, Meta(description="Default of the tasks' `timeout`.")] = "0s"
    on_failure: Annotated[OnFailure | UnsetType, Meta(description="Default of the tasks' `on_failure`.")] = UNSET
    output: Annotated[OutputMode, Meta(description="How tasks' output is shown.")] = "grouped"
    shell: Annotated[list[str], Meta(min_length=1, description="What runs scripts.")] = msgspec.field(
        default_factory=lambda: ["sh", "-eu", "-c"]
    )
    log_limit: Annotated[Size, Meta(description="Log size per attempt; head and tail are kept.")] = "64MiB"
    dotenv: Annotated[
        list[str], Meta(description="Files of NAME=value lines for all tasks; the caller's environment wins over them.")
    ] = []
    clean_env: Annotated[bool, Meta(description="Only pass_env, env and dotenv reach tasks.")] = False
    pass_env: Annotated[
        list[str],
        Meta(description="With clean_env: variables, names or globs, that reach tasks beside PATH, HOME and the like."),
    ] = []
    secrets: Annotated[
        list[str], Meta(description="Variables, names or globs, whose values are masked wherever they would be shown.")
    ] = []
    cache_dirs: Annotated[list[str], Meta(description="Folders several tasks may share safely (ccache).")] = []


class WaveDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One ``[[wave]]``."""

    name: Annotated[str, Meta(description="The wave's name.")]
    tasks: Annotated[list[str], Meta(description="Its tasks.")]
    order: Annotated[
        Order, Meta(description="parallel: as the graph allows; sequential: in this order, one at a time.")
    ] = "parallel"
    parallel: Annotated[
        bool | list[str],
        Meta(description="The marking: true, beside any wave; a list, beside these; false, beside none."),
    ] = False
    group: Annotated[
        int | UnsetType, Meta(description="A number that several waves may share: --group N takes them all.")
    ] = UNSET


class Document(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A whole manifest."""

    include: Annotated[
        dict[str, str | Annotated[list[str], Meta(min_length=1)]],
        Meta(
            description='Manifests whose tasks belong here, too: a prefix, and their folder or file. "*": folders, whose '
            "names are the prefixes.",
        ),
    ] = {}
    vars: Annotated[
        dict[str, VariableDocument], Meta(description="Variables: ${name} in fields, $name in scripts.")
    ] = {}
    settings: SettingsDocument = SettingsDocument()
    resources: Annotated[dict[str, Amount], Meta(description="Pools that tasks take from while they run.")] = {}
    cache: CacheDocument = CacheDocument()
    template: Annotated[
        dict[str, TaskDocument], Meta(description="Fields for several tasks, by the name that `extends` gives.")
    ] = {}
    task: Annotated[dict[str, TaskDocument], Meta(description="The tasks, by name.")] = {}
    wave: Annotated[list[WaveDocument], Meta(description="The planner's own grouping.")] = []


# No name that anybody writes begins with it.
_UNNAMED = "\0"


def stand_in(number: int) -> str:
    """The name of a wave that has none: what is wrong with its tasks is told all the same."""
    return f"{_UNNAMED}{number}"


def is_stand_in(name: str) -> bool:
    """Whether a name was made by ``stand_in``."""
    return name.startswith(_UNNAMED)


def wave_words(name: str) -> str:
    """How messages name a wave: ``wave 'backend'``, or ``wave 3`` where it has no name."""
    return f"wave {name.removeprefix(_UNNAMED) if is_stand_in(name) else repr(name)}"


# Keys of the contract that this version does not act on. They are refused, never ignored: a manifest that
# relies on one must not run as if it were not there.
LATER_TASK = frozenset("prompt by verify agent no_retry_on".split())
LATER_SETTINGS = frozenset("max_agents verify".split())
LATER_WAVE = frozenset("verify checkpoint executor".split())
LATER_TOP = frozenset("recovery agents".split())
