"""What the file system of a folder is like, as far as it can be told without writing.

Knows Linux's table of mounts, and what is in the folder. Does not know what follows from it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from exarp.model.expression import late

_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "fuse.sshfs", "vboxsf"})
_OCTAL = late(r"\\([0-7]{3})")
# So many files tell enough.
_LOOKED_AT = 100
_SECOND = 1_000_000_000


class FileSystem:
    """The file system that ``folder`` (absolute) is in."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    @property
    def kind(self) -> str:
        """``ext4``, ``nfs4``; empty where nobody says."""
        path = os.path.realpath(self._folder)
        inside = [
            (point, kind) for point, kind in _mounts() if path == point or path.startswith(point.rstrip("/") + "/")
        ]
        # The deepest; of several at one place the last lies on top.
        return max(reversed(inside), key=lambda mount: len(mount[0]), default=("", ""))[1]

    @property
    def is_remote(self) -> bool:
        """Whether other machines may write there too."""
        return self.kind in _REMOTE

    @property
    def folds_case(self) -> bool:
        """Whether names that differ in case alone are one file; False where no name can tell."""
        for entry in self._entries():
            other = entry.name.swapcase()
            if other != entry.name:
                try:
                    return os.path.samefile(entry.path, os.path.join(self._folder, other))
                except OSError:
                    return False
        return False

    @property
    def has_coarse_times(self) -> bool:
        """Whether all files have times of whole seconds: by chance, several hardly do."""
        times = [entry.stat(follow_symlinks=False).st_ctime_ns for entry in self._entries()]
        return len(times) > 1 and all(time % _SECOND == 0 for time in times)

    def _entries(self) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(self._folder) as entries:
                for _, entry in zip(range(_LOOKED_AT), entries, strict=False):
                    yield entry
        except OSError:
            return


def _mounts() -> Iterator[tuple[str, str]]:
    """Where each file system is mounted, and its kind; see proc_pid_mountinfo(5)."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                fields, _, rest = line.partition(" - ")
                point = fields.split(" ")[4]
                yield _OCTAL.sub(lambda octal: chr(int(octal[1], 8)), point), rest.split(" ")[0]
    except (OSError, IndexError):
        return
