"""Whether two patterns can ever stand for the same path.

Knows exact paths, folders and globs (see ``model.path``) and decides every pair of them. Does not know which files exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import zip_longest

from exarp.model.path import ANY, NOTHING, hides_dots, is_glob, literal_ends, matches, tokens

# Names of a pattern that stand for more than one name: any number of visible ones, any number of any.
VISIBLE, DEEP = "**", "/"
MANY = (VISIBLE, DEEP)
# A name that stands for any one, hidden or not.
EACH = ""
# What absolute paths begin with; no name is like it.
_ROOT = "//"
# The token of any one character.
_ONE = "[^/]"


def overlap(one: str, other: str) -> bool:
    """Whether some path belongs to both patterns.

    A folder belongs to itself. A path without its slash is a folder all the same where the other pattern leads into it.
    """
    if not is_glob(one):
        one, other = other, one
    if not is_glob(one):
        return _is_inside(one, other) or _is_inside(other, one)
    if not is_wide(other):
        return matches(one, other) or one.startswith(f"{other}/")
    return one == other or (_may_end_alike(one, other) and _meet(pattern_names(one), pattern_names(other)))


def _is_inside(path: str, folder: str) -> bool:
    """Whether an exact path or folder is another one, or lies in it."""
    return path == folder or matches(folder if folder.endswith("/") else f"{folder}/", path)


def _may_end_alike(one: str, other: str) -> bool:
    """Whether the literal ends of the last names agree: spares the search for nearly all pairs that do not overlap."""
    first, second = _last_ends(one), _last_ends(other)
    if first is None or second is None:
        return True
    return _agree(first[0], second[0]) and _agree(first[1][::-1], second[1][::-1])


def _agree(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


@lru_cache(maxsize=65536)
def _last_ends(pattern: str) -> tuple[str, str] | None:
    """The literal beginning and ending of a pattern's last name; None where more than one name may stand there."""
    name = pattern[pattern.rfind("/") + 1 :]
    return literal_ends(name) if name not in ("", "**") else None


def is_wide(pattern: str) -> bool:
    """Whether a pattern may stand for several paths."""
    return pattern.endswith("/") or is_glob(pattern)


def pattern_names(pattern: str) -> list[str]:
    """A pattern as names, ``VISIBLE``, ``DEEP`` and ``EACH``."""
    if pattern == "./":
        return [DEEP]
    names = pattern.rstrip("/").split("/")
    if pattern.startswith("/"):
        names[0] = _ROOT
    if names[-1] == "**":
        names.append("*")
    if pattern.endswith("/"):
        names += [EACH, DEEP] if is_glob(pattern) else [DEEP]
    return names


def _meet(one: list[str], other: list[str]) -> bool:
    """Whether two lists of names have a path in common; a search over how far each has come."""
    seen = {(0, 0)}
    stack = [(0, 0)]
    while stack:
        at, to = stack.pop()
        if at == len(one) and to == len(other):
            return True
        for step in _steps(one, other, at, to):
            if step not in seen:
                seen.add(step)
                stack.append(step)
    return False


def _steps(one: list[str], other: list[str], at: int, to: int) -> Iterable[tuple[int, int]]:
    first = one[at] if at < len(one) else None
    second = other[to] if to < len(other) else None
    if first in MANY:
        yield at + 1, to
    if second in MANY:
        yield at, to + 1
    if first is None or second is None or not share_name(first, second):
        return
    yield at + (first not in MANY), to + (second not in MANY)


def share_name(one: str, other: str) -> bool:
    """Whether two names, or what stands for many, have one name in common."""
    if one in (_ROOT, "..") or other in (_ROOT, ".."):
        return one == other
    if one in (DEEP, EACH) or other in (DEEP, EACH):
        return True
    if one == VISIBLE or other == VISIBLE:
        rest = other if one == VISIBLE else one
        return rest == VISIBLE or hides_dots(rest) or not rest.startswith(".")
    return one == other or ((is_glob(one) or is_glob(other)) and _share_text(one, other))


@lru_cache(maxsize=65536)
def _share_text(one: str, other: str) -> bool:
    """Whether two names with wildcards have a text in common."""
    first, second = _tokens(one), _tokens(other)
    visible = hides_dots(one) or hides_dots(other)
    if ANY not in first:
        return _search(first, second, visible)
    if ANY not in second:
        return _search(second, first, visible)
    # Where the beginnings agree and the endings do, each ANY makes room for all that the other name has between.
    heads = zip_longest(_until_any(first), _until_any(second), fillvalue=_ONE)
    tails = zip_longest(_until_any(first[::-1]), _until_any(second[::-1]), fillvalue=_ONE)
    return (
        NOTHING not in (*first, *second)
        and all(_share(*pair, visible and at == 0) for at, pair in enumerate(heads))
        and all(_share(*pair, False) for pair in tails)
    )


@lru_cache(maxsize=65536)
def _tokens(name: str) -> tuple[str, ...]:
    return tuple(tokens(name))


def _until_any(found: tuple[str, ...]) -> tuple[str, ...]:
    return found[: found.index(ANY)]


def _search(fixed: tuple[str, ...], other: tuple[str, ...], visible: bool) -> bool:
    """Whether a name without ``ANY`` has a text in common with another; a search over how far each has come."""
    stack = [(0, 0)]
    seen = set(stack)
    while stack:
        at, to = stack.pop()
        if at == len(fixed) and to == len(other):
            return True
        token = other[to] if to < len(other) else None
        steps = [(at, to + 1)] if token == ANY else []
        if token is not None and at < len(fixed) and _share(fixed[at], token, visible and at == 0):
            steps.append((at + 1, to + (token != ANY)))
        stack += [step for step in steps if step not in seen]
        seen.update(steps)
    return False


@lru_cache(maxsize=65536)
def _share(one: str, other: str, visible: bool) -> bool:
    """Whether two tokens have a character in common; ``visible``: other than a dot."""
    letters = _letters(one + other) - {"/"}
    if visible:
        letters.discard(".")
    return any(re.match(one, letter) and re.match(other, letter) for letter in letters)


def _letters(text: str) -> set[str]:
    """Characters enough to tell any two classes of ``text`` apart: those in it, their neighbours, and a few others."""
    near = {chr(ord(char) + step) for char in text for step in (-1, 0, 1) if 0 < ord(char) + step < 0x110000}
    return near | set("-0a\U0010fffe")
