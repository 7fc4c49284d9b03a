"""The glance: whether a run has nothing to do, told from the index alone.

Knows which command lines it understands, and that it looks away from all others, and wherever something that shaped the
index, or a file, is not as it was: then the command line does what it always does. Imports no layer. An answer of its own is
that nothing is to be done; whatever is in doubt is no answer.
"""

from __future__ import annotations

import gc
import os
import stat
import sys

from exarp.index import (
    DIGEST,
    HIDDEN,
    NAME,
    IndexFile,
    environment_digest,
    is_settled,
    listing_digest,
    maker,
    packed,
    publishing,
    replace_index,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from exarp.index import Back, Front

# Files that are a manifest where they are: a nearer one than that of the index is another project.
MANIFESTS = ("exarp.toml", "exarp.yaml", "exarp.yml", "exarp.json", "pyproject.toml")
_CHUNK = 128 * 1024
# What a colour is not wanted for, see ``views.color``.
_NO = ("", "0", "false", "no")


class Asked:
    """What a command line asks for: tasks by name, or all of them; whether anything is said."""

    __slots__ = ("bare", "every", "names", "quiet")

    def __init__(self) -> None:
        self.names: list[str] = []
        self.every = self.quiet = self.bare = False

    @property
    def key(self) -> tuple[str, ...]:
        """The tasks that are named, ``--all``, or nothing."""
        return ("--all",) if self.every else tuple(self.names)


class Doubt(Exception):
    """Something is not as it was, or cannot be told."""


def glance(arguments: Sequence[str]) -> bool:
    """Whether the run that ``arguments`` ask for has nothing to do; then that is said, too."""
    asked = understood(arguments)
    if asked is None or "_EXARP_COMPLETE" in os.environ:
        return False
    collecting = gc.isenabled()
    gc.disable()
    start = descriptor = None
    try:
        start = os.getcwd()
        descriptor, root = _found(start)
        os.chdir(root)
        return _Look(descriptor, root, asked).answer()
    except (OSError, ValueError, Doubt):
        return False
    finally:
        if descriptor is not None:
            os.close(descriptor)
            os.chdir(start or "/")
        if collecting:
            gc.enable()


def understood(arguments: Sequence[str]) -> Asked | None:
    """What the arguments ask for; None where they are more than the glance understands."""
    asked = Asked()
    words = iter(arguments)
    first = True
    for word in words:
        if word in ("-q", "--quiet"):
            asked.quiet = True
        elif word == "--all":
            asked.every = True
        elif word in ("-k", "--keep-going"):
            pass
        elif word in ("-j", "--jobs"):
            if not _is_number(next(words, "")):
                return None
        elif word.startswith(("-j", "--jobs=")):
            if not _is_number(word[2:] if word[1] == "j" else word[7:]):
                return None
        elif word.startswith("-") or not word.isprintable() or "=" in word:
            return None
        elif first and word == "run":
            first = False
        else:
            # A task alone is run, unless it is a command: the index has their names.
            asked.bare = asked.bare or first
            first = False
            asked.names.append(word)
    return None if first or (asked.every and asked.names) else asked


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 6 and int(word) > 0


def _found(start: str) -> tuple[int, str]:
    """The index of the nearest manifest, open, and its folder. Raises Doubt where that has none, OSError."""
    folder = start
    while True:
        try:
            return os.open(f"{folder}/.exarp/{NAME}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), folder
        except (FileNotFoundError, NotADirectoryError):
            pass
        if any(os.path.lexists(f"{folder}/{name}") for name in (*MANIFESTS, ".git")):
            raise Doubt
        parent = os.path.dirname(folder)
        if parent == folder:
            raise Doubt
        folder = parent


class _Look:
    """One look at a workspace, from its root (the working directory), with its index open."""

    def __init__(self, descriptor: int, root: str, asked: Asked) -> None:
        self._descriptor = descriptor
        self._asked = asked
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise Doubt  # What somebody else may have written is not read as marshal.
        self._file = IndexFile(lambda length, at: os.pread(descriptor, length, at), status.st_size)
        self._front: Front = self._file.front()
        self._about = self._front.about
        self._back: Back | None = None
        self._learned: dict[int, tuple[int, int, int, int]] = {}
        self._settled: set[int] = set()
        self._folders: dict[tuple[str, int], tuple[str, int, int, int, bool, bytes, str | None]] = {}
        self._now_ns = -1
        if self._about["maker"] != maker() or self._about["root"] != root:
            raise Doubt

    def answer(self) -> bool:
        """Whether nothing is to be done, and that could be said."""
        self._look_at_shape()
        count, files, folders = self._wanted()
        self._look_at_files(files)
        # What matrices and includes were found in, and what inputs and outputs were.
        self._look_at_folders("shaping", range(len(self._about["shaping"])))
        self._look_at_folders("folders", folders)
        if not self._is_in_place() or not self._tell(count):
            return False
        if self._learned or self._settled or self._folders:
            self._publish()
        return True

    # -- what shaped the index ---------------------------------------------------------------------------------

    def _look_at_shape(self) -> None:
        about = self._about
        for path, mtime, ctime, size, inode in about["shape"]:
            found = os.stat(path)
            if (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino) != (mtime, ctime, size, inode):
                raise Doubt
        if any(os.path.lexists(path) for path in about["absent"]):
            raise Doubt
        for path, target in about["links"]:
            if _link(path) != target:
                raise Doubt
        if any(os.path.exists(path) for path in about["dangling"]):
            raise Doubt
        names, digest, salt = about["environ"]
        if (names is None or names) and environment_digest(names, os.environ, salt) != digest:
            raise Doubt

    def _is_in_place(self) -> bool:
        """Whether no run has begun meanwhile: it takes the index away first."""
        try:
            return os.path.samestat(os.stat(f".exarp/{NAME}"), os.fstat(self._descriptor))
        except OSError:
            return False

    # -- what is asked for -------------------------------------------------------------------------------------

    def _wanted(self) -> tuple[int, Sequence[int] | None, Sequence[int]]:
        """How many tasks are wanted, positions of their files (None for all), and of their folders. Raises Doubt."""
        about, asked = self._about, self._asked
        if asked.bare and asked.names[0] in about["commands"]:
            raise Doubt
        if about["told_for"] is not None and about["told_for"] != asked.key:
            raise Doubt
        if not asked.names:
            count, whole = about["every"] if asked.every else about["usual"]
            if whole:
                return count, None, range(len(about["folders"]))
            targets = about["every_targets"] if asked.every else about["usual_targets"]
            if targets is None:
                raise Doubt
        else:
            targets = asked.names
            if not about["unnamed"].isdisjoint(targets):
                raise Doubt
        return self._closure(targets)

    def _closure(self, targets: Sequence[str]) -> tuple[int, Sequence[int], Sequence[int]]:
        back = self._read_back()
        known = {name: number for number, name in enumerate(back.names)}
        stack: list[int] = []
        for name in targets:
            meant = (name,) if name in known else back.words.get(name, ())
            if not meant or any(task not in known for task in meant):
                raise Doubt
            stack += [known[task] for task in meant]
        found = set(stack)
        files: set[int] = set()
        folders: set[int] = set()
        stack = list(found)
        while stack:
            task = stack.pop()
            files.update(back.files(task))
            folders.update(back.folders(task))
            for need in back.needs(task):
                if need >= len(known):
                    raise Doubt
                if need not in found:
                    found.add(need)
                    stack.append(need)
        return len(found), sorted(files), sorted(folders)

    def _read_back(self) -> Back:
        if self._back is None:
            self._back = self._file.back()
        return self._back

    # -- files and folders -------------------------------------------------------------------------------------

    def _look_at_files(self, positions: Sequence[int] | None) -> None:
        """Raises Doubt where a file has another content, OSError where one is gone."""
        front = self._front
        look = os.stat
        odd = []
        if positions is None:
            columns = zip(front.paths, front.mtimes, front.ctimes, front.sizes, front.inodes, strict=True)
            at = -1
            for path, mtime, ctime, size, inode in columns:
                at += 1
                found = look(path)
                if (
                    found.st_mtime_ns != mtime
                    or found.st_ctime_ns != ctime
                    or found.st_size != size
                    or found.st_ino != inode
                ):
                    odd.append(at)
            odd += front.young
        else:
            for at in positions:
                found = look(front.paths[at])
                same = found.st_mtime_ns == front.mtimes[at] and found.st_ctime_ns == front.ctimes[at]
                if not same or found.st_size != front.sizes[at] or found.st_ino != front.inodes[at]:
                    odd.append(at)
            odd += set(positions).intersection(front.young)
        if odd:
            self._read_again(dict.fromkeys(odd))

    def _read_again(self, positions: dict[int, None]) -> None:
        from blake3 import blake3

        back, moment = self._read_back(), self._moment()
        for at in positions:
            path = self._front.paths[at]
            found = os.stat(path)
            if not stat.S_ISREG(found.st_mode) or _digest(path, found.st_size, blake3) != back.digest(at):
                raise Doubt
            self._learned[at] = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
            if is_settled(found.st_mtime_ns, found.st_ctime_ns, moment):
                self._settled.add(at)

    def _look_at_folders(self, part: str, positions: Sequence[int]) -> None:
        """Raises Doubt where something else is in a folder, OSError where one is gone."""
        folders = self._about[part]
        for at in positions:
            path, mtime, ctime, inode, settled, digest, target = folders[at]
            if target is not None and _link(path) != (target or None):
                raise Doubt
            found = os.stat(path)
            same = found.st_mtime_ns == mtime and found.st_ctime_ns == ctime and found.st_ino == inode
            if same and settled:
                continue
            moment = self._moment()
            found = os.stat(path)
            entries, has_links = _listing(path)
            if listing_digest(entries) != digest:
                raise Doubt
            settled = not has_links and is_settled(found.st_mtime_ns, found.st_ctime_ns, moment)
            if settled or not same:
                stamp = (found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
                self._folders[part, at] = (path, *stamp, settled, digest, target)

    def _moment(self) -> int:
        """A moment before whatever is looked at from now on, on the clock that stamps files: see ``FileClock``."""
        if self._now_ns < 0:
            descriptor = os.open(".exarp/clock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.utime(descriptor)
                self._now_ns = os.fstat(descriptor).st_ctime_ns
            finally:
                os.close(descriptor)
        return self._now_ns

    # -- the answer --------------------------------------------------------------------------------------------

    def _tell(self, count: int) -> bool:
        """Say it; whether it could be written: if not, the command line knows what becomes of that."""
        lines = [f"exarp: {note}\n" for note in self._about["notes"]]
        if not self._asked.quiet:
            text = f"up to date ({count} task{'s' * (count != 1)})"
            lines.append(f"\x1b[2m{text}\x1b[0m\n" if _wants_color() else f"{text}\n")
        try:
            sys.stderr.write("".join(lines))
            sys.stderr.flush()
        except OSError:
            return False
        return True

    def _publish(self) -> None:
        """Put an index in the place of this one that knows what was looked at again. It is only a cache: if that fails, it
        fails."""
        try:
            with publishing(".exarp"):
                # A run that began before took the index away; one that begins now waits.
                if self._is_in_place():
                    replace_index(".exarp", self._renewed())
        except OSError:
            pass

    def _renewed(self) -> bytes:
        front, about = self._front, dict(self._about)
        columns = [bytearray(column) for column in (front.mtimes, front.ctimes, front.sizes, front.inodes)]
        views = [memoryview(column).cast("q") for column in columns[:3]]
        views.append(memoryview(columns[3]).cast("Q"))
        for at, values in self._learned.items():
            for view, value in zip(views, values, strict=True):
                view[at] = value
        young = sorted({*front.young, *self._learned} - self._settled)
        for part in ("shaping", "folders"):
            about[part] = [self._folders.get((part, at), folder) for at, folder in enumerate(about[part])]
        packed_young = b"".join([at.to_bytes(4, sys.byteorder) for at in young])
        paths = "\0".join(front.paths).encode("utf-8", "surrogateescape")
        return packed((about, paths, *map(bytes, columns), packed_young), self._file.back_bytes())


def _digest(path: str, size: int, new: type) -> bytes:
    hasher = new()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        while chunk := os.read(descriptor, min(max(size + 1, 512), _CHUNK)):
            hasher.update(chunk)
    finally:
        os.close(descriptor)
    digest: bytes = hasher.digest()
    assert len(digest) == DIGEST
    return digest


def _listing(path: str) -> tuple[list[tuple[str, bool, bool]], bool]:
    with os.scandir(path) as entries:
        found = [(entry.name, entry.is_dir(), entry.is_symlink()) for entry in entries if entry.name not in HIDDEN]
    return found, any(is_link for _, _, is_link in found)


def _link(path: str) -> str | None:
    """Where a link leads; None for what is none, or is not there."""
    try:
        return os.readlink(path)
    except OSError:
        return None


def _wants_color() -> bool:
    """As ``views.color.wants_color`` has it, for stderr."""
    environ = os.environ
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return environ["FORCE_COLOR"].lower() not in _NO
    terminal = sys.stderr.isatty()
    return terminal and environ.get("CI", "").lower() in _NO and environ.get("TERM") != "dumb"
