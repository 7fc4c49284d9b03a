"""What the use cases need of the world, as small protocols. Adapters live below; ``wiring`` picks them.

Knows the shapes only. Each has a fake in its own room that passes the same contract test as the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from exarp.model.artifact import Artifact
from exarp.model.event import Event, QuestionAsked
from exarp.model.launch import HostEvent, Launch


class Host(Protocol):
    """Runs attempts as process trees. ``faults``: what went wrong beside the attempts, to be read at the end."""

    faults: list[str]

    @property
    def limits(self) -> tuple[str, ...]:
        """What this host cannot promise on this machine, in words."""

    def start(self, launch: Launch) -> None:
        """Start an attempt; failure to start is told by ``wait`` like any other end."""

    def wait(self, timeout: float | None) -> list[HostEvent]:
        """What happened; blocks for at most ``timeout`` seconds (None: until something happens)."""

    def share(self, descriptors: tuple[int, ...]) -> None:
        """Let attempts that share something inherit these from now on."""

    def watch(self, descriptor: int) -> None:
        """Tell once, by ``wait``, that there is something to be read from it."""

    def has_news(self) -> bool:
        """Whether something has happened that ``wait`` would tell; it costs next to nothing to ask."""

    def end(self, key: int, now: bool = False) -> None:
        """End an attempt's whole tree: with growing force, or at once."""

    def suspend(self) -> float:
        """Stop every attempt and this process, until it is continued, and they with it; for how many seconds."""

    def close(self) -> tuple[str, ...]:
        """End all that is left; names of what had to be ended."""


class LastingHost(Host, Protocol):
    """A host that can outlast a run, and attempts with it: of services that are kept for the next one."""

    def part(self, kept: Collection[int]) -> tuple[str, ...]:
        """A run is over: end all that is left but the attempts ``kept``; names of what had to be ended. What comes of these is
        told by ``wait`` later. Until ``wake``, signals to this process do what they did before the host was made."""

    def wake(self) -> None:
        """Another run begins, or somebody waits: tell of signals again."""


class Tokens(Protocol):
    """Tokens of a jobserver: who has one may run one command more than the one that everybody may run.

    ``descriptor``: can be read from when there may be one. ``told``: what MAKEFLAGS says of them; ``shared``: the descriptors
    that commands must inherit to take part.
    """

    descriptor: int
    told: str
    shared: tuple[int, ...]

    def take(self) -> bool:
        """Take one, if there is one; never waits."""

    def give(self, count: int) -> None:
        """Give so many back of those that were taken."""

    def recount(self) -> None:
        """Nobody else has any: make up for those that are missing or too much, where it is known how many there must be."""

    def close(self) -> None:
        """Give back all that were taken; none is taken any more."""


class Clock(Protocol):
    """Time, as far as a run needs it."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def timestamp(self) -> str:
        """Now, RFC 3339 in UTC with microseconds."""


class View(Protocol):
    """Somebody who follows the events of a run. ``ticking``: it shows time passing."""

    ticking: bool

    @property
    def wants_output(self) -> bool:
        """Whether it shows output as it comes."""

    def on_event(self, event: Event) -> None:
        """Take the next event."""

    def tick(self, now: float) -> None:
        """Time has passed (``now``: seconds that do not go on while the run is stopped)."""

    def interrupted(self, signum: int, running: int) -> None:
        """The run was told to end by a signal, and ``running`` attempts are being ended; told at most once."""

    def suspend(self) -> None:
        """An interactive task owns the terminal from here on."""

    def resume(self) -> None:
        """The terminal is exarp's again."""

    def close(self) -> None:
        """The run is over, or broke off."""


class Onlooker(Protocol):
    """Somebody who sees what changes while a run goes on."""

    def outdated(self, has_begun: Callable[[int], bool]) -> str | None:
        """What has changed since the last time that tasks which have begun read, if anything; it takes no time to speak of."""


class Person(Protocol):
    """Somebody who can be asked, one question at a time."""

    def ask(self, question: QuestionAsked) -> None:
        """Put a question."""

    def answer(self) -> str | None:
        """One of the question's options, once; None as long as there is none, empty where there will be none. Never waits."""

    def take_back(self, answer: str | None) -> None:
        """The question is void: somebody else has given that ``answer``, or nobody need any more."""

    def debug(self, task: str, folder: str, log: str) -> None:
        """What follows is a shell for a task, in that folder; ``log``: what its last attempt printed (a path), if anything."""


class AnswerBox(Protocol):
    """Where any process may answer a question; the first answer stays."""

    def give(self, question: str, word: str) -> str:
        """Answer the question of that id, if nobody has; the answer that counts. Raises UsageError."""

    def given(self, question: str) -> str | None:
        """The answer to the question of that id, if there is one."""

    def clear(self) -> None:
        """No question is open."""


class Ledger(Protocol):
    """Where a run's events and successes are kept; what is in it survives a crash."""

    def write(self, events: Sequence[Event], successes: Sequence[tuple[str, bytes, int | None]]) -> None:
        """Commit events and successes in one transaction: (task, record, ms or None where nothing succeeded)."""


class ArtifactStore(Protocol):
    """Where artifacts are kept, by the digest of all that their tasks' results depend on. Others may use it at the same time.

    ``faults``: what went wrong, in words, each once. ``breathe``: called between slices of large files; what it raises ends
    what is being done, and leaves nothing half done.
    """

    faults: list[str]
    breathe: Callable[[], None]

    def find(self, key: bytes) -> tuple[Artifact, ...]:
        """All that is kept under a key, newest first."""

    def keep(self, key: bytes, artifact: Artifact, files: Mapping[bytes, str]) -> bool:
        """Keep an artifact as the newest of its key. ``files``: where the contents of its blobs are, by digest.

        False where it is not kept: a file is not (or no longer) what its digest says, or the store cannot be written.
        """

    def bring(self, digest: bytes, mode: int, path: str) -> bool:
        """Make the file ``path``, which is not there, with the content of that digest and the permissions ``mode``.

        False where the content is not there any more or is damaged; then there is no file. Raises OSError.
        """

    def forget(self, key: bytes) -> None:
        """What is kept under a key is not to be used again."""

    def close(self) -> None:
        """Nothing more will be kept."""
