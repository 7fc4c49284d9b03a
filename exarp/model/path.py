"""Workspace paths as normalised text, and the patterns that stand for several of them.

Knows: how a path is normalised (``./a//b/../c`` is ``a/c``), what ``*``, ``**``, ``?`` and ``[…]``
mean, that a trailing slash means a folder. Does not know which files exist.

A *pattern* is a normalised string: an exact path, a folder (ends in ``/``), or a glob.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from exarp.model.expression import late

_MAGIC = late(r"[*?\[]")


def normalise(path: str, base: str = "") -> str:
    """``path`` seen from folder ``base``, without ``.``, ``..`` and doubled slashes.

    Both are relative to the workspace root, or absolute. A trailing slash is kept: it says "folder".
    The root itself is ``./``. A result that starts with ``../`` or ``/`` lies outside.
    """
    if base and not path.startswith("/"):
        path = f"{base}/{path}"
    if _is_plain(path):
        return path
    folder = path.endswith(("/", "/.", "/..")) or path in (".", "..", "")
    rooted = path.startswith("/")
    kept: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif part != ".." or not rooted:
            kept.append(part)
    text = ("/" if rooted else "") + "/".join(kept)
    if not kept:
        return "/" if rooted else "./"
    return text + "/" if folder else text


def _is_plain(path: str) -> bool:
    """Whether ``path`` is normal already; spares splitting nearly every path of a large manifest."""
    return (
        "//" not in path
        and "./" not in path
        and not path.endswith("/.")
        and path not in (".", "..", "")
        and (not path.endswith("/.."))
    )


def is_outside(pattern: str) -> bool:
    """Whether a normalised pattern leaves the workspace."""
    return pattern.startswith(("/", "../")) or pattern == ".."


def is_glob(pattern: str) -> bool:
    """Whether a pattern has wildcards."""
    return _MAGIC.search(pattern) is not None


def exactly(path: str) -> str:
    """The pattern of a path whose brackets belong to its names, as in ``app/[id]/page.tsx``, but for names with a wildcard
    (``*.[ch]``)."""
    if "[" not in path:
        return path
    return "/".join(name if re.search("[*?]", name) else name.replace("[", "[[]") for name in path.split("/"))


def exact_name(pattern: str) -> str:
    """The one path that a pattern of ``exactly`` stands for; any other pattern as it is."""
    if "[[]" not in pattern:
        return pattern
    return pattern if is_glob(pattern.replace("[[]", "")) else pattern.replace("[[]", "[")


def is_folder(pattern: str) -> bool:
    """Whether a pattern names a folder with all that is in it."""
    return pattern.endswith("/") and not is_glob(pattern)


def literal_prefix(pattern: str) -> str:
    """The folder that surely holds all matches, with its slash (``src/`` of ``src/**/*.c``), or ``""``."""
    match = _MAGIC.search(pattern)
    head = pattern if match is None else pattern[: match.start()]
    prefix = head[: head.rfind("/") + 1]
    return "" if prefix == "./" else prefix


def literal_ends(glob: str) -> tuple[str, str]:
    """The text that every match of a glob starts with, and the text that its last name ends with."""
    first = _MAGIC.search(glob)
    if first is None:
        return glob, glob
    last = max(glob.rfind(char) for char in "*?[]/")
    return glob[: first.start()], glob[last + 1 :]


def parents(path: str) -> list[str]:
    """Every folder above ``path`` with its slash, nearest first; a folder is its own first parent."""
    found = []
    end = path.rfind("/")
    while end > 0:
        found.append(path[: end + 1])
        end = path.rfind("/", 0, end)
    return found


def folders_of(patterns: Iterable[str]) -> set[str]:
    """Every folder above any of ``patterns``, with its slash; folders among them hold themselves."""
    found: set[str] = set()
    for pattern in patterns:
        end = pattern.rfind("/")
        # What is above a folder that was met before was met with it.
        while end > 0 and pattern[: end + 1] not in found:
            found.add(pattern[: end + 1])
            end = pattern.rfind("/", 0, end)
    return found


def relative(path: str, start: str) -> str:
    """``path`` as seen from folder ``start``; both workspace-relative and normalised, or ``path`` absolute."""
    if not start or start == "./" or path.startswith("/"):
        return path
    here, there = start.rstrip("/").split("/"), path.split("/")
    shared = 0
    while shared < min(len(here), len(there)) and here[shared] == there[shared]:
        shared += 1
    return "/".join([".."] * (len(here) - shared) + there[shared:]) or "."


@lru_cache(maxsize=65536)
def matcher(pattern: str) -> re.Pattern[str]:
    """A compiled expression whose ``match`` decides whether a path belongs to ``pattern``.

    ``*`` and ``?`` do not cross ``/`` nor match a leading dot; ``**`` stands for any folders, none
    of them hidden. A folder matches all that is in it, hidden or not.
    """
    return re.compile(_expression(pattern), re.DOTALL)


def _expression(pattern: str) -> str:
    if not is_glob(pattern):
        if pattern == "./":
            return r"(?!/|\.\.(?:/|\Z)).*\Z"
        return re.escape(pattern) + (".*" if pattern.endswith("/") else "") + r"\Z"
    folder = pattern.endswith("/")
    parts = pattern.rstrip("/").split("/")
    out = ""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "**" and not last and parts[index + 1] == "**":
            continue  # two say no more than one, and would only make a mismatch slow
        if part == "**":
            out += r"(?:(?!\.)[^/]+/)*" + (r"(?!\.)[^/]+" if last else "")
        else:
            out += (r"(?!\.)" if hides_dots(part) else "") + "".join(tokens(part)) + ("" if last else "/")
    return out + ("/.*" if folder else "") + r"\Z"


# Tokens of a pattern's name: any number of characters, and a class that no character belongs to.
ANY, NOTHING = "[^/]*", "(?!)"


def hides_dots(part: str) -> bool:
    """Whether a name of a pattern never matches a leading dot."""
    return part[:1] in ("*", "?", "[")


def tokens(part: str) -> list[str]:
    """One name of a glob as expressions of a character each, but for ``ANY``."""
    found: list[str] = []
    at = 0
    while at < len(part):
        char = part[at]
        close = _class_end(part, at) if char == "[" else -1
        if char == "*":
            if found[-1:] != [ANY]:
                found.append(ANY)
        elif char == "?":
            found.append("[^/]")
        elif close > 0:
            found.append(_char_class(part[at + 1 : close]))
            at = close
        else:
            found.append(re.escape(char))
        at += 1
    return found


def _class_end(part: str, start: int) -> int:
    """Where the class that opens at ``start`` closes, or -1. A ``]`` that comes first is a member."""
    first = start + 2 if part[start + 1 : start + 2] in ("!", "^") else start + 1
    return part.find("]", first + 1)


def _char_class(body: str) -> str:
    negated = body[0] in "!^"
    members = body[1:] if negated else body
    out = ""
    at = 0
    while at < len(members):
        low, high = members[at], members[at + 2 : at + 3]
        if members[at + 1 : at + 2] == "-" and high:
            out += f"{re.escape(low)}-{re.escape(high)}" if low <= high else ""
            at += 3
        else:
            out += re.escape(low)
            at += 1
    if not out:
        return "[^/]" if negated else NOTHING
    return f"(?!/)[{'^' if negated else ''}{out}]"


def matches(pattern: str, path: str) -> bool:
    """Whether ``path`` (exact) is what ``pattern`` names, lies in its folder, or matches its glob."""
    if is_glob(pattern):
        return matcher(pattern).match(path) is not None
    if pattern.endswith("/"):
        return path.startswith(pattern) or path == pattern[:-1] or (pattern == "./" and not is_outside(path))
    return pattern == path


def is_taken_away(pattern: str, excluded: Iterable[str]) -> bool:
    """Whether ``!…`` take away a file or folder itself, with all that is in it; a glob is no one thing to take away."""
    if is_glob(pattern):
        return False
    # A wildcard stands for no name that is missing: "out/*" is nothing of "out/" itself.
    return any(matches(out, pattern) for out in excluded if not (is_glob(out) and pattern.endswith("/")))


def takes_away(out: str, written: str, reading: str) -> bool:
    """Whether ``!out`` surely leaves nothing that both ``written`` and ``reading`` stand for."""
    if (
        out == written
        or (is_folder(out) and written.startswith(out))
        or (not is_glob(written) and matches(out, written))
    ):
        return True
    # What "**" leaves of a folder are hidden names, which no wildcard stands for either; but a folder holds them too.
    only_visible = is_glob(reading) and not reading.endswith("/") and not _names_hidden(reading)
    return is_folder(written) and out == f"{written}**" and only_visible


def _names_hidden(glob: str) -> bool:
    return glob.startswith(".") or "/." in glob
