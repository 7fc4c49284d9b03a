"""The glance: whether a run has nothing to do, or only little, told from the index alone.

Knows which command lines it understands, and that it looks away from all others, and wherever something that shaped the
index is not as it was: then the command line does what it always does. Imports no layer. An answer of its own is that
nothing is to be done; where only files are not as they were, it says which tasks that may concern.
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
    UNKNOWN,
    IndexFile,
    Part,
    environment_digest,
    is_settled,
    listing_digest,
    maker,
    precedes_boot,
    publishing,
    renewed,
    replace_index,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exarp.index import Back, Front

# Files that are a manifest where they are: a nearer one than that of the index is another project.
MANIFESTS = ("exarp.toml", "exarp.yaml", "exarp.yml", "exarp.json", "pyproject.toml")
_CHUNK = 128 * 1024
# What a colour is not wanted for, see ``views.color``.
_NO = ("", "0", "false", "no")


class Asked:
    """What a command line asks for: tasks by name, or all of them; how many ``jobs`` at once, 0 where it does not say."""

    __slots__ = ("bare", "every", "jobs", "keep_going", "names", "quiet")

    def __init__(self) -> None:
        self.names: list[str] = []
        self.jobs = 0
        self.every = self.quiet = self.keep_going = self.bare = False

    @property
    def key(self) -> tuple[str, ...]:
        """The tasks that are named, ``--all``, or nothing."""
        return ("--all",) if self.every else tuple(self.names)


class Doubt(Exception):
    """Something is not as it was, or cannot be told."""


def glance(asked: Asked) -> bool | Part:
    """True if the run that is asked for has nothing to do, and that was said; False where that cannot be told; else what is
    left to do."""
    if "_EXARP_COMPLETE" in os.environ:
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
        elif first and word.startswith("-"):
            # Of the options only those of every command stand before it.
            return None
        elif word == "--all":
            asked.every = True
        elif word in ("-k", "--keep-going"):
            asked.keep_going = True
        elif word.startswith(("-j", "--jobs")):
            number = next(words, "") if word in ("-j", "--jobs") else word[2:].removeprefix("jobs=")
            if not (number.isascii() and number.isdigit() and len(number) < 6 and int(number) > 0):
                return None
            asked.jobs = int(number)
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
        self.asked = asked
        self.root = root
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise Doubt  # What somebody else may have written is not read as marshal.
        if precedes_boot(status.st_mtime):
            raise Doubt
        self.file = IndexFile(lambda length, at: os.pread(descriptor, length, at), status.st_size)
        self.front: Front = self.file.front()
        self._about = self.front.about
        self._back: Back | None = None
        self._folders: dict[tuple[str, int], tuple[str, int, int, int, bool, bytes, str | None]] = {}
        self._now_ns = -1
        if self._about["maker"] != maker() or self._about["root"] != root:
            raise Doubt
        # Whether what is left may be run by itself; if not, whatever is not as it was ends the look.
        self._partly = self._about["plan_for"] == asked.key

    def answer(self) -> bool | Part:
        """True if nothing is to be done, and that could be said; else what is left. Raises Doubt."""
        about, asked = self._about, self.asked
        self._look_at_shape()
        if self._changed_folders("shaping", range(len(about["shaping"]))):
            raise Doubt
        if asked.bare and asked.names[0] in about["commands"]:
            raise Doubt
        if about["told_for"] is not None and about["told_for"] != asked.key:
            raise Doubt
        wanted: set[int] | None = None
        files: list[int] | None
        if asked.names or not about["every" if asked.every else "usual"][1]:
            wanted = self._closure()
            count = len(wanted)
            files, folders = self._rows_of(wanted)
        else:
            count = about["every" if asked.every else "usual"][0]
            files, folders = None, list(range(len(about["folders"])))
        changed = self._changed_files(files)
        moved = self._changed_folders("folders", folders)
        stale = self._stale(wanted, changed, moved)
        if stale:
            part = Part(self.file, self.front, self.read_back(), stale)
            part.root, part.key, part.jobs = self.root, asked.key, asked.jobs
            part.keep_going, part.quiet = asked.keep_going, asked.quiet
            return part
        if not self._is_in_place() or not self._tell(count):
            return False
        if self.front.has_learned or self._folders:
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

    def read_back(self) -> Back:
        """The back of the index."""
        if self._back is None:
            self._back = self.file.back()
        return self._back

    def _closure(self) -> set[int]:
        """The tasks that are asked for, and all that they need."""
        about, asked, back = self._about, self.asked, self.read_back()
        targets = asked.names or about["every_targets" if asked.every else "usual_targets"]
        if targets is None or not about["unnamed"].isdisjoint(asked.names):
            raise Doubt
        known = {name: number for number, name in enumerate(back.names)}
        found: set[int] = set()
        for name in targets:
            meant = (name,) if name in known else back.words.get(name, ())
            if not meant or any(task not in known for task in meant):
                raise Doubt
            found.update([known[task] for task in meant])
        stack = list(found)
        while stack:
            for need in back.needs(stack.pop()):
                if need not in found:
                    found.add(need)
                    stack.append(need)
        return found

    def _rows_of(self, tasks: set[int]) -> tuple[list[int], list[int]]:
        """Positions of the files and folders of tasks."""
        back = self.read_back()
        files: set[int] = set()
        folders: set[int] = set()
        for task in tasks:
            files.update(back.files(task))
            folders.update(back.folders(task))
            if back.states[task] == UNKNOWN and not self._partly:
                raise Doubt
        return sorted(files), sorted(folders)

    def _stale(self, wanted: set[int] | None, changed: set[int], moved: set[int]) -> list[int]:
        """Those of the tasks that are asked for that may have to run: what they rest on is not as it was, or a need of theirs is
        among them. ``wanted`` None: all that is asked for was up to date."""
        if wanted is None and not changed and not moved:
            return []
        back = self.read_back()
        found = back.with_files(changed) | back.with_folders(moved)
        if wanted is not None:
            found = {task for task in found if task in wanted}
            found.update(task for task in wanted if back.states[task] == UNKNOWN)
        stale = set(found)
        while found:
            # Who reads a file need not need its maker: a depfile may have told of it.
            made = {at for task in found for at in back.made(task)}
            found = (back.with_needs(found) | back.with_files(made)) - stale
            if wanted is not None:
                found &= wanted
            stale |= found
        return sorted(stale)

    # -- files and folders -------------------------------------------------------------------------------------

    def _changed_files(self, positions: Sequence[int] | None) -> set[int]:
        """Those of the files at ``positions`` (None: of all) that have another content, or are gone."""
        front = self.front
        look = os.stat
        odd: list[int] = []
        if positions is None:
            at = -1
            for path, mtime, ctime, size, inode in zip(
                front.paths, front.mtimes, front.ctimes, front.sizes, front.inodes, strict=True
            ):
                at += 1
                try:
                    found = look(path)
                except OSError:
                    odd.append(at)
                    continue
                if (
                    found.st_mtime_ns != mtime
                    or found.st_ctime_ns != ctime
                    or found.st_size != size
                    or found.st_ino != inode
                ):
                    odd.append(at)
            young: Iterable[int] = front.young
        else:
            for at in positions:
                try:
                    found = look(front.paths[at])
                except OSError:
                    odd.append(at)
                    continue
                same = found.st_mtime_ns == front.mtimes[at] and found.st_ctime_ns == front.ctimes[at]
                if not same or found.st_size != front.sizes[at] or found.st_ino != front.inodes[at]:
                    odd.append(at)
            young = set(positions).intersection(front.young)
        changed = {at for at in odd if not self._is_equal(at)}
        if young:
            looked_at = set(odd)
            changed.update([at for at in young if at not in looked_at and not self._is_equal(at)])
        return changed

    def _is_equal(self, at: int) -> bool:
        """Whether a file has the content that it had. Raises Doubt if not, where that leaves nothing to tell."""
        from blake3 import blake3

        moment = self._moment()
        path = self.front.paths[at]
        try:
            found = os.stat(path)
            equal = stat.S_ISREG(found.st_mode) and _digest(path, found.st_size, blake3) == self.read_back().digest(at)
        except OSError:
            equal = False
        if equal:
            settled = is_settled(found.st_mtime_ns, found.st_ctime_ns, moment)
            self.front.learn(at, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, settled)
        elif not self._partly:
            raise Doubt
        return equal

    def _changed_folders(self, part: str, positions: Sequence[int]) -> set[int]:
        """Those of the folders at ``positions`` that hold something else than they did, or are gone. Raises Doubt as above."""
        folders = self._about[part]
        changed = set()
        for at in positions:
            try:
                same = self._is_equal_folder(part, at, folders[at])
            except OSError:
                same = False
            if not same:
                changed.add(at)
        if changed and not self._partly:
            raise Doubt
        return changed

    def _is_equal_folder(self, part: str, at: int, folder: tuple[str, int, int, int, bool, bytes, str | None]) -> bool:
        path, mtime, ctime, inode, settled, digest, target = folder
        if target is not None and _link(path) != (target or None):
            return False
        found = os.stat(path)
        same = found.st_mtime_ns == mtime and found.st_ctime_ns == ctime and found.st_ino == inode
        if same and settled:
            return True
        moment = self._moment()
        found = os.stat(path)
        entries, has_links = _listing(path)
        if listing_digest(entries) != digest:
            return False
        settled = not has_links and is_settled(found.st_mtime_ns, found.st_ctime_ns, moment)
        if settled or not same:
            stamp = (found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
            self._folders[part, at] = (path, *stamp, settled, digest, target)
        return True

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
        if not self.asked.quiet:
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
                    for part in ("shaping", "folders"):
                        known = self._about[part]
                        self._about[part] = [self._folders.get((part, at), folder) for at, folder in enumerate(known)]
                    replace_index(".exarp", renewed(self.front, self.file))
        except (OSError, ValueError):
            pass


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
