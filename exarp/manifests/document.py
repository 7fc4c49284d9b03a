"""The manifest as it is written: one struct a table, the same for every format.

Knows keys and their types; the JSON Schema of ``exarp schema`` is made from these structs and ``descriptions``.
Does not know defaults that depend on other keys (``resolve``), nor whether names and files exist.
"""

# Nothing is taken from the future here: types that are texts would be compiled one by one when a manifest is read.

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from exarp.model.choice import JobserverStyle, OnFailure, Order, OutputMode, Packing, Schedule, Trust

# `extra["words"]` is what messages call a type that is more than its JSON type.
Duration = Annotated[str, Meta(examples=["500ms", "30s", "1h30m"], extra={"words": 'a duration such as "30s"'})]
Size = Annotated[str, Meta(examples=["64MiB", "8GB", "512"], extra={"words": 'a size such as "64MiB"'})]
# What a count of anything may be: a database, a clock and a person can hold it.
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
# TOML leaves larger numbers undefined, and no store takes them.
Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
ExitStatus = Annotated[int, Meta(ge=1, le=255, extra={"words": "an exit status, 1 to 255"})]
# A script may be several; an empty list of any of these is a slip.
NonEmpty = Annotated[list[str], Meta(min_length=1)]
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
    run: str
    message: str = ""


Required = str | RequirementDocument


class ServiceDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``{ port = 8080 }`` or ``{ ready = "pg_isready" }``: how a task that keeps running is known to be ready."""

    words: ClassVar[str] = "{ port = 8080 }"
    port: Annotated[int, Meta(ge=1, le=65535)] | str | UnsetType = UNSET
    ready: str = ""
    timeout: Duration = "1m"
    interval: Duration = "200ms"


class CommandDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``{ run = "git describe" }``: what that script prints."""

    words: ClassVar[str] = '{ run = "SCRIPT" }'
    run: str


class GlobDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``{ glob = "src/**/*.c" }``: the files that match, one after the other; ``!…`` takes away."""

    words: ClassVar[str] = '{ glob = "PATTERN" }'
    glob: str | NonEmpty


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
    description: str = ""
    required: bool | UnsetType = UNSET
    default: Scalar | UnsetType = UNSET
    choices: list[Scalar] = []


class TaskDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """A task, as in ``[task.NAME]``."""

    extends: str | list[str] = ""
    matrix: dict[str, AxisDocument] = {}
    description: str = ""
    run: str | NonEmpty | UnsetType = UNSET
    argv: NonEmpty | UnsetType = UNSET
    prompt: str | UnsetType = UNSET
    agent: str = ""
    inputs: list[InputDocument] | UnsetType = UNSET
    outputs: list[str] | UnsetType = UNSET
    tools: list[str] = []
    allow_empty: bool = False
    modifies: list[str] = []
    needs: list[str] = []
    after: list[str] = []
    parent: str = ""
    depfile: str = ""
    env: dict[str, Scalar] = {}
    track_env: list[str] = []
    dotenv: list[str] = []
    cwd: str = ""
    shell: NonEmpty | UnsetType = UNSET
    priority: Literal["critical", "high", "medium", "low"] | Integer = "medium"
    tags: list[str] = []
    params: dict[str, Scalar | ParamDocument] = {}
    aliases: list[str] = []
    mutex: list[str] = []
    resources: dict[str, Amount] = {}
    retries: Count | UnsetType = UNSET
    retry_delay: Duration | UnsetType = UNSET
    no_retry_on: list[ExitStatus] = []
    timeout: Duration | UnsetType = UNSET
    on_failure: OnFailure | UnsetType = UNSET
    allow_failure: bool = False
    interactive: bool = False
    daemon: bool = False
    manual: bool = False
    internal: bool = False
    keep_outputs: bool = False
    when: str = ""
    platforms: list[str] = []
    requires: list[Required] = []
    confirm: bool | str = False
    cleanup: str | NonEmpty | UnsetType = msgspec.field(default=UNSET, name="finally")
    service: bool | ServiceDocument = False
    cache: bool | UnsetType = UNSET
    verify: str | list[str] = []


class AgentDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``[agents.NAME]``: how a prompt is carried out."""

    words: ClassVar[str] = '{ run = "COMMAND" }'
    run: str | NonEmpty


class CacheDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``[cache]``: outputs of successes, restored when their fingerprint is seen again."""

    enabled: bool = True
    dir: str = ".exarp/cache"
    max_size: Size = "10GiB"


class RecoveryDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``[recovery]``: who mends what failed, before it is tried again."""

    run: str | NonEmpty
    attempts: Annotated[int, Meta(ge=1, le=1000)] = 3
    timeout: Duration = "10m"


class SettingsDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """``[settings]``."""

    default: list[str] = []
    jobs: Count = 0
    jobserver: JobserverStyle = "pipe"
    max_parallel_waves: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 8
    max_agents: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 8
    max_tasks_per_wave: Count = 0
    packing: Packing = "levels"
    schedule: Schedule | Literal[""] = ""
    trust: Trust = "plan"
    retries: Count | UnsetType = UNSET
    retry_delay: Duration = "0s"
    timeout: Duration = "0s"
    on_failure: OnFailure | UnsetType = UNSET
    output: OutputMode = "grouped"
    shell: NonEmpty = msgspec.field(default_factory=lambda: ["sh", "-eu", "-c"])
    log_limit: Size = "64MiB"
    dotenv: list[str] = []
    clean_env: bool = False
    pass_env: list[str] = []
    secrets: list[str] = []
    cache_dirs: list[str] = []
    verify: str | list[str] = []


class WaveDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One ``[[wave]]``."""

    name: str
    tasks: list[str]
    order: Order = "parallel"
    parallel: bool | list[str] = False
    group: int | UnsetType = UNSET
    verify: str | list[str] = []
    checkpoint: bool = False


class Document(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A whole manifest."""

    include: dict[str, str | NonEmpty] = {}
    vars: dict[str, VariableDocument] = {}
    settings: SettingsDocument = SettingsDocument()
    resources: dict[str, Amount] = {}
    cache: CacheDocument = CacheDocument()
    agents: dict[str, AgentDocument] = {}
    recovery: RecoveryDocument | UnsetType = UNSET
    template: dict[str, TaskDocument] = {}
    task: dict[str, TaskDocument] = {}
    wave: list[WaveDocument] = []


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
LATER_TASK = frozenset(("by",))
LATER_WAVE = frozenset(("executor",))
