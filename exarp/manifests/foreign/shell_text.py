"""Putting a variable into a shell's text where another tool pastes its value.

Knows quotes, comments, command substitutions and here-documents as far as they decide how a reference is written. Does not
parse shell.
"""

from __future__ import annotations

import re

from exarp.manifests.foreign.draft import UnconvertibleError

_HERE = re.compile(r"<<-?[ \t]*(?:(['\"])(\w+)\1|(\\?)(\w+))")
# What stands alone between apostrophes: a reference, or all arguments.
_BARE = re.compile(r"""''("\$(?:\w+|@|\{[^{}'"]*\})")''""")


def quoting(before: str) -> str:
    """What a shell is in behind this text: ``'`` or ``"``, nothing, or ``<<`` for a here-document that it takes as it is."""
    open_: list[str] = []
    here: list[re.Match[str]] = []
    at = 0
    while at < len(before):
        char, inside = before[at], open_[-1] if open_ else ""
        at += 1
        if inside == "'":
            if char == "'":
                open_.pop()
        elif char == "\\":
            at += 1
        elif inside == '"' and char not in '"`$':
            continue
        elif char == inside and char in '"`':
            open_.pop()
        elif char in "\"'`":
            open_.append(char)
        elif before.startswith("$(", at - 1):
            open_.append(")")
            at += 1
        elif char == "(":
            open_.append(")")
        elif char == ")" and inside == ")":
            open_.pop()
        elif char == "#" and (at == 1 or before[at - 2] in " \t\n;("):
            at = _behind(before, "\n", at - 1)
        elif before.startswith("<<<", at - 1):
            at += 2
        elif char == "<" and before[at : at + 1] == "<" and (found := _HERE.match(before, at - 1)):
            here.append(found)
            at = found.end()
        elif char == "\n" and here:
            for each in here:
                end = re.compile(rf"^\t*{each[2] or each[4]}$\n?", re.MULTILINE).search(before, at)
                if end is None:
                    return "<<" if each[2] or each[3] else '"'
                at = end.end()
            here = []
    return open_[-1] if open_ and open_[-1] in "'\"" else ""


def _behind(text: str, mark: str, start: int) -> int:
    found = text.find(mark, start)
    return len(text) if found < 0 else found


def reference(name: str, before: str, after: str) -> str:
    """The shell variable ``name`` behind the text ``before``, followed by the character ``after`` (or nothing).

    Raises UnconvertibleError where no shell would look for one.
    """
    written = f"${{{name}}}" if after and (after.isalnum() or after == "_") else f"${name}"
    return placed(written, before)


def placed(written: str, before: str) -> str:
    """A reference as it must stand behind the text ``before``. Raises UnconvertibleError, as ``reference`` does."""
    inside = quoting(before)
    if inside == "<<":
        raise UnconvertibleError("a here-document whose end is quoted has no variables: take the quotes away")
    return f"'\"{written}\"'" if inside == "'" else written


def tidy(script: str) -> str:
    """A script without the empty strings that ``placed`` leaves where a reference stood alone between apostrophes."""
    return _BARE.sub(r"\1", script)


def arguments(before: str) -> str:
    """All arguments behind the text ``before``: each a word, or in quotes all of them one, as if they were pasted."""
    return placed("$*", before) if quoting(before) else '"$@"'
