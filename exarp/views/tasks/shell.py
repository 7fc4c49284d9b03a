"""``exarp show --shell``: what a task executes, as lines for a shell.

Knows quoting. Does not resolve anything, and runs nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from exarp.model.mask import STARS
from exarp.model.sheet import TaskSheet
from exarp.planning.recipe import names_launch_word
from exarp.views import escape

_HIDDEN = STARS.decode()


def shell_lines(sheet: TaskSheet) -> Iterator[str]:
    """A subshell that does what the task does, for sh; for bash or zsh where something in it does not print."""
    execution = sheet.execution
    if sheet.task.is_group:
        yield "# it runs nothing itself: it gathers other tasks"
        return
    for folder in sheet.emptied:
        yield f"# exarp first empties {escape.name(folder)}"
    if sheet.missing:
        yield f"# {escape.name(sheet.missing)} is missing"
    if execution.fault:
        yield f"# exarp would not start this: {escape.name(execution.fault)}"
    steps = []
    if sheet.folders:
        root = execution.env["EXARP_WORKSPACE"]
        steps.append(f"mkdir -p {' '.join(_quoted(f'{root}/{folder}') for folder in sheet.folders)}")
    steps.append(f"cd {_quoted(execution.cwd)}")
    if names_launch_word(sheet.task, "in_file"):
        steps.append("in_file=$(mktemp)")
        steps.append(f"printf '%s\\n' {' '.join(map(_quoted, sheet.inputs))} > \"$in_file\"")
    environment = _environment(sheet)
    steps += [" ".join([*environment, *map(_word, command)]) for command in execution.commands]
    joined = " &&\n ".join(steps)
    yield f"({joined})"


def _environment(sheet: TaskSheet) -> list[str]:
    """``env`` with what it is to set; nothing where that is nothing."""
    execution = sheet.execution
    found = []
    if execution.inherited is not None:
        found += ["-i", *(f'{name}="${name}"' for name in execution.inherited if _is_plain(name))]
    for name, value in execution.env.items():
        # What exarp sets beside is of use only to scripts that name it.
        if execution.sources[name] != "exarp" or any(name in script for script in sheet.task.attempted):
            # What is secret is for who pastes this to have.
            found.append(f'{name}="${name}"' if value == _HIDDEN and _is_plain(name) else f"{name}={_quoted(value)}")
    if names_launch_word(sheet.task, "in_file"):
        found.append('in_file="$in_file"')
    return ["env", *found] if found else []


def _is_plain(name: str) -> bool:
    """Whether a variable is the caller's own, and has a name that a shell can say."""
    return name.isascii() and name.isidentifier() and not name.startswith("EXARP_")


def _word(word: str) -> str:
    return '"$in_file"' if word == "$in_file" else _quoted(word)


def _quoted(word: str) -> str:
    """A word as a shell reads it, and as a terminal may show it."""
    if escape.plain(word) == word:
        return shlex.quote(word)
    odd = "".join(
        f"\\{char}" if char in "'\\" else char if escape.name(char) == char else _bytes(char) for char in word
    )
    return f"$'{odd}'"


def _bytes(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
