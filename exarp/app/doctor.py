"""The use case ``doctor``: what of this machine, and of what runs left, exarp can use.

Knows whom to ask and what each answer means for runs. Changes nothing, and does not know how findings are shown.
"""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from exarp.app.index.diagnosis import diagnosed
from exarp.app.wiring import descriptor_room, holders_of, lives, usable_cpus
from exarp.errors import ExarpError
from exarp.hosts.mechanisms import detect
from exarp.store.reading import read
from exarp.store.state_folder import StateFolder
from exarp.workspace.file_system import FileSystem

# What takes longer to tell its version is not well.
_SECONDS = 5


class Finding(msgspec.Struct, frozen=True):
    """One thing of the machine. ``warning``: something is less than it could be; ``error``: exarp cannot work here.
    ``next``: what to do about it."""

    name: str
    state: Literal["ok", "warning", "error"]
    message: str
    next: str = ""


def examine_machine(
    root: str, environ: Mapping[str, str], has_terminal: bool, file: str | None = None, directory: str = ""
) -> list[Finding]:
    """Everything that is worth knowing of this machine and of the workspace at ``root``.

    ``file``: its manifest, where somebody in ``directory`` named one.
    """
    return [
        *_system(),
        *_programs(environ),
        *_processes(),
        _open_files(),
        _terminal(environ, has_terminal),
        *_files(root),
        *_state(root),
        *_index(root, file, directory, environ),
    ]


def _ok(name: str, message: str) -> Finding:
    return Finding(name, "ok", message)


def _system() -> Iterator[Finding]:
    yield _ok("python", f"{platform.python_implementation()} {platform.python_version()}")
    yield _ok("system", f"{platform.system()} {platform.release()}, {platform.machine()}")
    yield _ok("cpus", f"{usable_cpus()} of {os.cpu_count() or '?'} may be used; so many commands run at once")
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return
    yield _ok("memory", size(memory))


def _programs(environ: Mapping[str, str]) -> Iterator[Finding]:
    path = environ.get("PATH")
    shell = shutil.which("sh", path=path)
    if shell is None:
        yield Finding("shell", "error", "there is no sh in PATH: scripts cannot run", "install one, or mend PATH")
    else:
        yield _ok("shell", os.path.realpath(shell))
    git = shutil.which("git", path=path)
    if git is None:
        message = "there is no git in PATH: --affected, and globs that leave out what git ignores, do without it"
        yield Finding("git", "warning", message, "install git")
    else:
        yield _git(git)
    yield _ok("sqlite", sqlite3.sqlite_version)


def _git(git: str) -> Finding:
    try:
        done = subprocess.run([git, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return Finding("git", "warning", f"{git} does not run", "run `git --version` and see")
    return _ok("git", done.stdout.strip().removeprefix("git version "))


def _processes() -> Iterator[Finding]:
    found = detect()
    for limit in found.limits:
        yield Finding("processes", "warning", limit, "in a container, /proc must be mounted; on macOS it is so")
    if not found.pidfds:
        message = "there are no pidfds: the end of a process is noticed a little later"
        yield Finding("processes", "warning", message, "Linux has them since 5.3, unless a sandbox refuses them")
    if not found.limits and found.pidfds:
        yield _ok("processes", "pidfds, adoption of orphans (child subreaper), process table")


def _open_files() -> Finding:
    room = descriptor_room()
    if room.attempts is None:
        return _ok("open files", "not limited")
    said = f"{room.limit} may be open, which is enough for {room.attempts} commands at once"
    if room.attempts < usable_cpus():
        return Finding("open files", "warning", said, "raise it: ulimit -n 1024")
    return _ok("open files", said)


def _terminal(environ: Mapping[str, str], has_terminal: bool) -> Finding:
    term = environ.get("TERM", "")
    if not has_terminal:
        return _ok("terminal", "none: runs are told line by line")
    if term in ("", "dumb"):
        message = f"TERM is {term or 'not set'}: no colours and no live display"
        return Finding("terminal", "warning", message, "set TERM to what the terminal is, as xterm-256color")
    return _ok("terminal", term)


def _files(root: str) -> Iterator[Finding]:
    found = FileSystem(root)
    kind = found.kind
    if found.is_remote:
        message = f"{kind} is shared between machines: locks and SQLite may not hold there"
        yield Finding("file system", "warning", message, "work in a copy on a disk of this machine")
    else:
        yield _ok("file system", kind or "unknown")
    if found.folds_case:
        message = "Makefile and makefile are one file here: names that differ in case alone are not told apart"
        yield Finding("names", "warning", message, "let no two files of the workspace differ in case alone")
    if found.has_coarse_times:
        message = "files have times of whole seconds: what was just written is read again"
        yield Finding("file times", "warning", message, "that costs time and nothing else")


def _state(root: str) -> Iterator[Finding]:
    folder = StateFolder(root)
    place = folder.path if os.path.lexists(folder.path) else root
    if not os.access(place, os.W_OK | os.X_OK):
        step = "exarp keeps its state beside the manifest: work in a copy of the workspace"
        yield Finding("state", "error", f"{place} cannot be written", step)
        return
    try:
        if not folder.has_database():
            yield _ok("state", "none yet: the first run makes .exarp/")
            return
        version, warnings = read(folder.database, lambda db: (db.fetch("PRAGMA user_version")[0][0], list(db.warnings)))
    except ExarpError as error:
        problem = error.problems[0]
        yield Finding("state", "error", problem.message, problem.next)
        return
    for warning in warnings:
        yield Finding("state", "warning", warning, "nothing has to be done; history before that is lost")
    stored, logs = size(os.path.getsize(folder.database)), size(_total(folder.logs))
    yield _ok("state", f"database {stored}, schema {version}, logs {logs}")
    yield from _lock(root)


def _index(root: str, file: str | None, directory: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    said, step = diagnosed(root, file, directory, environ)
    if said:
        yield Finding("index", "warning" if step else "ok", said, step)


def _lock(root: str) -> Iterator[Finding]:
    for row in holders_of(root):
        if lives(row.holder):
            yield _ok("lock", f"held by {row.holder}")
        else:
            message = f"left by {row.holder}, which died; it keeps nobody out"
            yield Finding("lock", "warning", message, "nothing has to be done: the next run takes it")


def _total(folder: str) -> int:
    return sum(
        os.path.getsize(path)
        for top, _, names in os.walk(folder)
        for path in (os.path.join(top, name) for name in names)
        if os.path.exists(path)
    )


def size(count: int) -> str:
    """``640 B``, ``12 KiB``, ``3.4 GiB``."""
    amount, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount /= 1024
        units.pop(0)
    return f"{amount:.1f} {units[0]}" if amount < 10 and units[0] != "B" else f"{amount:.0f} {units[0]}"
