"""What a host is told to start, and what it tells back.

Knows the values that cross between the run and a host. Does not know how a host makes processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Streams = Literal["captured", "inherited", "foreground"]
Operator = Literal["<", ">", ">>", ">&"]


class Redirection(msgspec.Struct, frozen=True, gc=False):
    """Where a stream of a command leads to instead: a file, seen from the command's folder; for ``>&`` the number of a stream."""

    stream: int
    operator: Operator
    target: str


class Launch(msgspec.Struct, frozen=True):
    """One attempt to start.

    ``key``: the attempt's number, unique in a run. ``commands``: argument vectors, run one after the other until
    one fails; each is a process tree of its own. ``plain``: for each of them None, or the words of a program that is executed
    in its place, if it can be; if not, the command (a shell) is, which then says why. ``cwd`` and ``log`` are absolute.
    ``log`` is created only when there is output, at most ``log_limit`` bytes of it (head and tail are kept); where it is
    empty, none is kept.
    ``redirections``: for each command, what those of ``plain`` are to have done with their streams first, one after the other.
    ``env``: its environment, on top of what is ``around``, which is the same mapping for many and never changes. ``programs``:
    where the programs of ``plain`` are, as far as that is known.
    ``append``: what the log has already stays in it.
    ``streams``: ``captured`` (stdin is /dev/null, stdout and stderr go to the log in one order), ``inherited``
    (exarp's own stdout and stderr), ``foreground`` (exarp's own three, and the terminal's foreground group).
    ``daemon``: what the attempt leaves running is not ended. ``masked``: what is to be seen neither in its output nor in its
    log, where that is captured (a daemon writes its log itself). ``shares``: it inherits what the host was told to share.
    """

    key: int
    label: str
    commands: tuple[tuple[str, ...], ...]
    env: dict[str, str]
    cwd: str
    log: str = ""
    log_limit: int = 64 * 1024 * 1024
    append: bool = False
    streams: Streams = "captured"
    daemon: bool = False
    plain: tuple[tuple[str, ...] | None, ...] = ()
    masked: tuple[bytes, ...] = ()
    around: Mapping[str, str] = {}
    programs: tuple[str | None, ...] = ()
    redirections: tuple[tuple[Redirection, ...], ...] = ()
    shares: bool = False


class Output(msgspec.Struct, frozen=True, gc=False):
    """Bytes that an attempt printed, as they came."""

    key: int
    data: bytes


class Exited(msgspec.Struct, frozen=True, gc=False):
    """An attempt is over: its process has ended, and its session with it.

    Exactly one of ``status`` and ``signal`` is set. ``early``: it was told to end before its last command had ended, so that
    even status 0 does not say that it did its work. ``error``: why nothing could be started (then ``status`` is 126 or
    127, as a shell's would be). ``logged``: whether the log file exists. ``cut``: bytes that the log's limit left out.
    ``ended``: command names of processes that the attempt had left running and that were ended. ``masked``: whether anything
    in its output was. ``step``: the position of the command that it ended with.
    """

    key: int
    status: int | None
    signal: int | None
    seconds: float
    logged: bool
    cut: int = 0
    error: str = ""
    ended: tuple[str, ...] = ()
    early: bool = False
    masked: bool = False
    step: int = 0


class Signalled(msgspec.Struct, frozen=True, gc=False):
    """exarp itself was sent a signal: SIGINT, SIGTERM, SIGHUP or SIGQUIT; or SIGTSTP, which asks for ``suspend`` of the host."""

    signum: int


class Paused(msgspec.Struct, frozen=True, gc=False):
    """exarp was stopped together with the attempt that has the terminal, for this long."""

    seconds: float


class Readable(msgspec.Struct, frozen=True, gc=False):
    """There is something to be read where the host was told to watch for it."""


HostEvent = Output | Exited | Signalled | Paused | Readable
