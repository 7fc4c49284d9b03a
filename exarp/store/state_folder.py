"""The folder ``.exarp/`` of a workspace: where things lie in it, and its making.

Knows the layout, the modes (nobody but the owner looks in), how a task's name becomes a file's name.
Does not know what is in the database, or what a log says.

A log's file name. Characters that trouble shells, terminals, ``tar``, GitHub's artifact upload or other
file systems are percent-encoded; everything else stays readable. Some file systems fold case and Unicode
forms, so ``Build`` and ``build`` would be one file there: a name that is not plain lower-case ASCII, or was
cut, also carries ``~`` and 12 hex digits of its BLAKE2b hash. ``~`` never stands for itself in the readable
part, so no plain name can look like a hashed one.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Set

from exarp.errors import Problem, UsageError
from exarp.model.expression import late

FOLDER = ".exarp"
_GITIGNORE = "*\n!config.yaml\n!schema.json\n"
# https://bford.info/cachedir/: the first 43 bytes are the signature, the rest is for people.
_CACHEDIR_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This folder belongs to exarp, which can make it again. See https://bford.info/cachedir/\n"
)
NO_ROOM = "no space is left on its disk"
MAKE_ROOM = "make room there; what is recorded is done, and `exarp resume` goes on from it"
# SQLite writes 32 KiB at once, and does not always say what was in its way.
_ROOM = 64 * 1024
_STEM_BYTES = 200
_HASH_DIGITS = 12
_PLAIN = late(r"[a-z0-9_@+=,][a-z0-9_@+=,.-]*")
_READABLE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@+=,.-")


class StateFolder:
    """Paths under ``root/.exarp``; ``root`` is made absolute once, so a later chdir changes nothing."""

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)
        self.path = os.path.join(self.root, FOLDER)
        self.database = os.path.join(self.path, "store.db")
        self.running = os.path.join(self.path, "running")
        self.logs = os.path.join(self.path, "logs")
        self.standing = os.path.join(self.path, "standing")
        # Of the run that was asked for last, and its folder.
        self._run = self._log_folder = ""

    def prepare(self) -> None:
        """Make the folder, its ``.gitignore`` and its ``CACHEDIR.TAG`` where they are missing.

        A folder that is there already (git makes it for a committed ``config.yaml``) is closed to others
        if this user owns it; files that are there are left alone. Raises UsageError ``state-folder``.
        """
        try:
            make_folder(self.path)
            _make_file(os.path.join(self.path, ".gitignore"), _GITIGNORE)
            _make_file(os.path.join(self.path, "CACHEDIR.TAG"), _CACHEDIR_TAG)
        except OSError as error:
            raise folder_fault(self.path, error) from error

    @property
    def has_standing(self) -> bool:
        """Whether anybody has noted services that it keeps up."""
        return os.path.isdir(self.standing)

    def has_database(self) -> bool:
        """Whether runs have left a database. Raises UsageError ``state-folder`` where nobody may look, or where
        something that is no folder is in the folder's place."""
        try:
            os.stat(self.database)
        except FileNotFoundError as error:
            if os.path.lexists(self.path) and not os.path.isdir(self.path):
                raise folder_fault(self.path, error) from error
            return False
        except OSError as error:
            raise folder_fault(self.path, error) from error
        return True

    def log_folder(self, run: str) -> str:
        """Absolute path of the folder that holds a run's logs."""
        if run != self._run:
            self._run, self._log_folder = run, os.path.join(self.logs, _encoded(run))
        return self._log_folder

    def aside(self, run: str) -> str:
        """Absolute path of the folder in which a run puts together what it restores."""
        return os.path.join(self.path, "restore", _encoded(run))

    def make_log_folder(self, run: str) -> str:
        """Make the run's log folder if it is missing; its path. Raises UsageError ``state-folder``."""
        folder = self.log_folder(run)
        try:
            make_folder(self.logs)
            make_folder(folder)
        except OSError as error:
            raise folder_fault(folder, error) from error
        return folder

    def log_path(self, run: str, task: str, attempt: int) -> str:
        """Absolute path of an attempt's log. Two tasks never share one, whatever the file system folds."""
        return f"{self.log_folder(run)}/{file_stem(task)}.{attempt}.log"

    def logs_with(self, run: str, ending: str) -> list[str]:
        """Absolute paths of the logs of a run beside which there is a file of the same name with this ending."""
        folder = self.log_folder(run)
        try:
            return [os.path.join(folder, name[: -len(ending)]) for name in os.listdir(folder) if name.endswith(ending)]
        except OSError:
            return []

    def prune_logs(self, keep_runs: Set[str], before: int) -> None:
        """Remove the log folders of all runs but these, and those that began after number ``before``. One that cannot be removed
        stays: it is only space."""
        keep = {_encoded(run) for run in keep_runs}
        with contextlib.suppress(OSError), os.scandir(self.logs) as entries:
            for entry in entries:
                is_later = entry.name.isascii() and entry.name.isdecimal() and int(entry.name) > before
                if entry.name not in keep and not is_later and entry.is_dir(follow_symlinks=False):
                    import shutil

                    shutil.rmtree(entry.path, ignore_errors=True)


def folder_fault(path: str, error: OSError) -> UsageError:
    """The error for a state folder, or something in it, that cannot be made or used."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UsageError(Problem("state-folder", f"cannot use {printable(path)}: {NO_ROOM}", next=MAKE_ROOM))
    return UsageError(
        Problem(
            "state-folder",
            f"cannot use {printable(path)}: {error.strerror or error}",
            next=f"exarp keeps its state in {FOLDER}/ beside the manifest: "
            "make that a folder you can write to, or work in a copy of the workspace",
        )
    )


def has_no_room(path: str) -> bool:
    """Whether hardly anything can be written any more to the disk that a file is on."""
    try:
        status = os.statvfs(os.path.dirname(path))
    except OSError:
        return False
    return status.f_bavail * status.f_frsize < _ROOM


def printable(text: str) -> str:
    """``text`` for a message: whatever could steer a terminal, or cannot be encoded, becomes an escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def file_stem(name: str) -> str:
    """``name`` as a file name without its ending: at most 200 bytes, distinct where names are."""
    if len(name) <= _STEM_BYTES and _PLAIN.fullmatch(name):
        return name
    readable = _encoded(name, keep_letters=True)
    if name.lower() == name and name.isascii() and len(readable) <= _STEM_BYTES:
        return readable
    return f"{_cut(readable, _STEM_BYTES - _HASH_DIGITS - 1)}~{_hash(name)}"


def _hash(name: str) -> str:
    from hashlib import blake2b

    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_HASH_DIGITS // 2).hexdigest()


def _encoded(name: str, *, keep_letters: bool = False) -> str:
    """Percent-encoding. A leading dot hides a file, a leading dash reads as an option: both are encoded.

    ``keep_letters`` lets letters and digits of every script through; only a hash can then tell names apart.
    """
    return "".join(
        char
        if (char in _READABLE and (index or char not in ".-")) or (keep_letters and char > "\x7f" and char.isalnum())
        else "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
        for index, char in enumerate(name)
    )


def _cut(text: str, limit: int) -> str:
    """The longest beginning of at most ``limit`` UTF-8 bytes that ends between two characters and escapes."""
    cut = text.encode()[:limit].decode(errors="ignore")
    escape = cut.rfind("%", -2)
    return cut if escape < 0 else cut[:escape]


def make_folder(path: str) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
        return
    status = os.stat(path)
    if not os.path.isdir(path):
        raise NotADirectoryError(errno.ENOTDIR, "it is there, and is not a folder", path)
    if status.st_mode & 0o077 and status.st_uid == os.geteuid():
        os.chmod(path, 0o700)


def _make_file(path: str, content: str) -> None:
    """Write a file whole or not at all: a second exarp, or git, never sees half of it."""
    if os.path.lexists(path):
        return
    draft = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
        os.rename(draft, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):  # interrupted just after the rename
            os.unlink(draft)
        raise
