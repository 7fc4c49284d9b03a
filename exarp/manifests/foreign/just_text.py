"""A justfile's text: its lines, and the pieces that they are made of.

Knows just's syntax of lines, strings and comments. Does not know what recipes mean (``just``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from exarp.manifests.foreign.draft import UnconvertibleError

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>'''.*?'''|\"\"\".*?\"\"\"|'[^']*'|"(?:\\.|[^"\\])*")|(?P<command>```.*?```|`[^`]*`)"""
    r"""|(?P<call>[A-Za-z_]\w*)\(|(?P<name>[A-Za-z_][\w-]*)|(?P<mark>[+/(),]))""",
    re.DOTALL,
)


class Line(NamedTuple):
    """A logical line: 1-based number of its first line, its text, and whether it belongs to a recipe's body."""

    number: int
    text: str
    indented: bool


def logical_lines(text: str) -> Iterator[Line]:
    """Lines; those of a recipe's body are indented. Strings, lists and parentheses of several lines are one."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        start, joined = at, lines[at]
        indented = joined[:1] in (" ", "\t") and bool(joined.strip())
        if not indented:
            while at + 1 < len(lines) and (_open(joined) or joined.endswith("\\")):
                at += 1
                joined = f"{joined.removesuffix(chr(92))}\n{lines[at]}"
            joined = _without_comment(joined)
        yield Line(start + 1, joined, indented)
        at += 1


def _open(text: str) -> bool:
    """Whether a string or a parenthesis of a justfile goes on in the next line."""
    if text.lstrip().startswith("#"):
        return False
    for mark in ("'''", '"""', "```"):
        if text.count(mark) % 2:
            return True
    if re.search(r"'''|\"\"\"|```", text):
        return False
    bare = re.sub(r"""'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`|\#.*""", "", text)
    if not re.match(r"[\w\s-]*:=", text):
        return False
    return "'" in bare or sum(map(bare.count, "([{")) > sum(map(bare.count, ")]}"))


def _without_comment(text: str) -> str:
    if text.lstrip().startswith("#"):
        return text
    found = re.match(
        r"""(?:'''.*?'''|\"\"\".*?\"\"\"|'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`|[^#'"`]|['"`])*""", text, re.DOTALL
    )
    return (found[0] if found else text).rstrip()


def attributes_of(text: str) -> Iterator[tuple[str, str]]:
    """The attributes of a line in brackets, each with its argument, or nothing."""
    for found in re.finditer(r"""([a-z-]+)\s*(?:[(:]\s*["']([^"']*)["']\)?)?\s*[,\]]""", text):
        yield found[1], found[2] or ""


def words_of(text: str) -> list[str]:
    """Words, where strings and parentheses are in one piece."""
    return re.findall(r"""(?:\([^)]*\)|'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`|[^\s'"`(])+""", text)


def tokens_of(text: str) -> Iterator[tuple[str, str]]:
    """The pieces of an expression: their kind (string, command, call, name, mark) and text. Raises UnconvertibleError."""
    at = 0
    text = text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise UnconvertibleError(f"the expression {text} is not understood")
        if found["name"] in ("if", "else"):
            raise UnconvertibleError("what depends on a condition has no counterpart")
        yield found.lastgroup, found[found.lastgroup]
        at = found.end()


def literal(token: str) -> str:
    """What a string means."""
    inner = token[1:-1]
    if token.startswith(("'''", '"""')):
        inner = "\n".join(dedented(token[3:-3].removeprefix("\n").split("\n")))
    if token[0] == '"':
        escapes = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}
        inner = re.sub(r"\\(.)", lambda found: escapes.get(found[1], found[1]), inner, flags=re.DOTALL)
    return inner


def dedented(lines: list[str]) -> list[str]:
    """Lines without the indentation that all share, and without empty ones at the end."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    depth = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return [line[depth:] for line in lines]


def joined_lines(lines: Sequence[str]) -> Iterator[str]:
    """Lines of a body, with those that end in a backslash joined to the next, as a shell would."""
    waiting = ""
    for line in lines:
        waiting += line
        if line.endswith("\\"):
            waiting += "\n"
            continue
        yield waiting
        waiting = ""
    if waiting:
        yield waiting
