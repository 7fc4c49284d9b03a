"""What git says has changed since a revision.

Knows which revision is meant where none is named, how to ask git (a few calls, whatever there is in the repository), and how its
paths are seen from the workspace. Changes nothing, not even git's index. Does not know what a change means.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

import msgspec

from exarp.errors import Problem, UsageError
from exarp.model.path import normalise

# Where a service that builds a proposed change says which branch it is meant for.
_TARGET_BRANCHES = (
    "GITHUB_BASE_REF",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    "BITBUCKET_PR_DESTINATION_BRANCH",
    "CHANGE_TARGET",
)
_USUAL = ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master", "main", "master")
# A hook's variables name another folder's repository, or half of a commit.
OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
_LEAVE_OUT = "leave --affected out: what has not changed is not run again either way"


class Changes(msgspec.Struct, frozen=True):
    """Paths as the workspace sees them (``../x`` lies above it). ``tracked``: changed, made or removed since ``since``, in
    commits or after them. ``untracked``: files that git does not know and does not ignore. ``since``: the revision, as a person
    names it."""

    since: str
    tracked: tuple[str, ...]
    untracked: tuple[str, ...]


def changes_since(root: str, revision: str, environ: Mapping[str, str]) -> Changes:
    """What has changed in the repository that holds ``root`` (absolute) since the commit that ``revision`` and HEAD have in
    common; an empty ``revision`` is the usual one. Raises UsageError."""
    git = _Git(root, environ)
    prefix = git.prefix()
    git.check_head()
    since = revision or git.usual()
    base = git.merge_base(since)
    tracked = git.paths("diff", "--name-only", "--no-renames", "--no-ext-diff", "--ignore-submodules=none", base, "--")
    untracked = git.paths("ls-files", "--others", "--exclude-standard", "--full-name", "--", ":/")
    up = "../" * prefix.count("/")

    def seen(path: str) -> str:
        return path.removeprefix(prefix) if path.startswith(prefix) else normalise(up + path)

    return Changes(_short(since), tuple(map(seen, tracked)), tuple(map(seen, untracked)))


def _short(revision: str) -> str:
    return revision.removeprefix("refs/remotes/")


class _Git:
    def __init__(self, root: str, environ: Mapping[str, str]) -> None:
        self._root = root
        self._environ = environ
        kept = {name: value for name, value in environ.items() if name not in OF_HOOKS}
        self._env = {**kept, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}

    def prefix(self) -> str:
        """The workspace as the repository sees it, with its slash; empty at the top."""
        done = self._ask("rev-parse", "--show-prefix")
        if done.returncode == 0:
            return os.fsdecode(done.stdout).removesuffix("\n")
        if b"not a git repository" in done.stderr:
            raise UsageError(
                Problem("no-git", f"{self._root} is in no git repository, which --affected asks", None, _LEAVE_OUT)
            )
        raise self._failed(done)

    def check_head(self) -> None:
        """Raises UsageError where there is nothing to compare with at all."""
        if not self._is_there("HEAD"):
            raise UsageError(Problem("no-revision", "the repository has no commit yet", None, _LEAVE_OUT))

    def usual(self) -> str:
        """The branch that a change is meant for: as the service says that builds it, else the one that others start from."""
        for name in _TARGET_BRANCHES:
            branch = self._environ.get(name, "").removeprefix("refs/heads/")
            if branch:
                return next(
                    (there for there in (f"origin/{branch}", branch) if self._is_there(there)), f"origin/{branch}"
                )
        found = next((name for name in _USUAL if self._is_there(name)), None)
        if found is None:
            message = "git has no branch origin/HEAD, main or master to compare with"
            raise UsageError(Problem("no-revision", message, None, "say what to compare with: --affected=REV"))
        return found

    def merge_base(self, revision: str) -> str:
        """The commit that a revision and HEAD have in common."""
        if not self._is_there(revision):
            name = _short(revision)
            message = f"git has no revision {name!r}"
            step = "say another: --affected=REV"
            if name.startswith("origin/"):
                step = f"fetch it: git fetch origin {name.removeprefix('origin/')}"
            raise UsageError(Problem("no-revision", message, None, step))
        done = self._ask("merge-base", revision, "HEAD")
        if done.returncode == 0:
            return os.fsdecode(done.stdout).strip()
        message = f"{_short(revision)} and HEAD have no commit in common"
        if self._ask("rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
            step = "fetch their history: git fetch --unshallow (in CI: a fetch depth of 0)"
            raise UsageError(Problem("no-revision", f"{message} in this shallow clone", None, step))
        raise UsageError(Problem("no-revision", message, None, "say another revision: --affected=REV"))

    def paths(self, *arguments: str) -> list[str]:
        """What a command of git lists, from the top of the repository."""
        done = self._ask(arguments[0], "-z", *arguments[1:])
        if done.returncode != 0:
            raise self._failed(done)
        return [os.fsdecode(path) for path in done.stdout.split(b"\0") if path]

    def _is_there(self, revision: str) -> bool:
        if revision.startswith("-"):
            return False
        return self._ask("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").returncode == 0

    def _ask(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command: Sequence[str] = ("git", "-c", "core.fsmonitor=false", *arguments)
        try:
            return subprocess.run(
                command, cwd=self._root, env=self._env, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
        except OSError as error:
            message = f"--affected asks git, which cannot be run: {error.strerror}"
            raise UsageError(Problem("no-git", message, None, f"install git, or {_LEAVE_OUT}")) from None

    def _failed(self, done: subprocess.CompletedProcess[bytes]) -> UsageError:
        said = next(iter(os.fsdecode(done.stderr).splitlines()), f"exit {done.returncode}")
        return UsageError(Problem("no-git", f"git cannot say what has changed: {said}", None, _LEAVE_OUT))
