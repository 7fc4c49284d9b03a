"""Where a git repository keeps what it ignores besides ``.gitignore`` files.

Knows work trees and submodules (whose ``.git`` is a file), and how ``core.excludesFile`` is found without asking git unless
its configuration says something that only git can read (includes, quoted values, the environment). Does not read the rules.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from exarp.model.expression import late

# Whether git reads these depends on how it was built and set up.
_PERHAPS = ("/etc/gitconfig", "/usr/local/etc/gitconfig", "/opt/homebrew/etc/gitconfig")
_SECTION = late(r"\s*\[([^\]]*)\]\s*(.*)")
_EXCLUDES_FILE = late(r"\s*excludesfile\s*=\s*(.*)", re.IGNORECASE)
# Quotes, escapes, comments and prefixes are git's to read.
_NOT_PLAIN = late(r'["\\#;%]|~[^/]')


class Repository:
    """The git repository that holds a folder; ``top``: its work tree's topmost folder, absolute."""

    def __init__(self, top: str) -> None:
        self.top = top
        self._own = _git_folder(top)
        common = _first_line(f"{self._own}/commondir")
        self._common = os.path.join(self._own, common) if common else self._own

    def exclude_files(self) -> list[str]:
        """Files with rules for the whole work tree (absolute; they may be missing); later ones win."""
        general = self._excludes_file()
        return [*([general] if general else []), f"{self._common}/info/exclude"]

    @property
    def index(self) -> str:
        """The file in which git has what it tracks."""
        return f"{self._own}/index"

    def sources(self) -> list[str]:
        """Files (absolute) that ``exclude_files`` rests on, and these, whether they are there or not."""
        _, files = self._general()
        return [*self.exclude_files(), *files, *_PERHAPS, f"{self._common}/config", f"{self._own}/config.worktree"]

    def _general(self) -> tuple[str, list[str]]:
        """The folder of git's settings, and its configuration of all repositories; both may be missing."""
        home = os.environ.get("HOME", "")
        settings = os.environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
        return settings, [f"{settings}/git/config"] * bool(settings) + [f"{home}/.gitconfig"] * bool(home)

    def _excludes_file(self) -> str:
        """``core.excludesFile`` or its default, absolute; empty where there is none."""
        settings, general = self._general()
        value = self._configured([*general, f"{self._common}/config"])
        if value is None:
            return f"{settings}/git/ignore" if settings else ""
        if value.startswith("~/"):
            value = os.environ.get("HOME", "") + value[1:]
        return os.path.join(self.top, value) if value else ""

    def _configured(self, files: Iterable[str]) -> str | None:
        """What ``core.excludesFile`` is set to; None where it is not set."""
        perhaps = (*_PERHAPS, f"{self._own}/config.worktree")
        if any(name.startswith("GIT_CONFIG") for name in os.environ) or any(map(_mentions, map(_text, perhaps))):
            return self._asked()
        found = None
        for text in map(_text, files):
            if not _mentions(text):
                continue
            values = _plain_values(text)
            if values is None:
                return self._asked()
            found = values[-1] if values else found
        return found

    def _asked(self) -> str | None:
        import subprocess

        command = ["git", "config", "-z", "--type=path", "--get", "core.excludesFile"]
        try:
            done = subprocess.run(command, cwd=self.top, capture_output=True, check=False, stdin=subprocess.DEVNULL)
        except OSError:
            return None
        return os.fsdecode(done.stdout).rstrip("\0") if done.returncode == 0 else None


def find_repository(folder: str) -> Repository | None:
    """The repository whose work tree holds ``folder`` (absolute)."""
    while not os.path.exists(f"{folder}/.git"):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return Repository(folder)


def _git_folder(top: str) -> str:
    """``.git`` itself, or, in work trees and submodules, where that file says it is."""
    if os.path.isdir(f"{top}/.git"):
        return f"{top}/.git"
    word, _, path = _first_line(f"{top}/.git").partition(":")
    return os.path.join(top, path.strip()) if word == "gitdir" else f"{top}/.git"


def _mentions(text: str) -> bool:
    """Whether a configuration file may say something of ``core.excludesFile``."""
    lowered = text.lower()
    return "excludesfile" in lowered or "[include" in lowered


def _plain_values(text: str) -> list[str] | None:
    """What a configuration file sets ``core.excludesFile`` to, in order; None where only git can tell."""
    if "[include" in text.lower():
        return None
    found = []
    section = ""
    for line in text.splitlines():
        if header := _SECTION.match(line):
            section, line = header[1].strip().lower(), header[2]
        if section == "core" and "excludesfile" in line.lower():
            setting = _EXCLUDES_FILE.fullmatch(line)
            if setting is None or _NOT_PLAIN.search(setting[1]):
                return None
            found.append(setting[1].rstrip())
    return found


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def _first_line(path: str) -> str:
    return _text(path).partition("\n")[0].strip()
