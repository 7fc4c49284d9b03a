"""A task's recipe: everything about *how* it is done that its result depends on.

Knows which variables a script names, and what enters the recipe's digest (commands, shell, cwd, env, variables that count,
declared names). Does not know their values (``environment``) nor file contents (``freshness``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import msgspec

from exarp.model.expression import late
from exarp.model.name import ARGUMENTS_WORD, LAUNCH_WORDS
from exarp.model.path import is_glob
from exarp.model.task import Task

if TYPE_CHECKING:
    from blake3 import blake3

_NAMED = late(r"\$(?:\{[#!]?)?([A-Za-z_]\w*)", re.ASCII)
# What one environment string may hold on Linux is 128 KiB; the contract's limit leaves room for the rest.
MAX_LIST_BYTES = 100 * 1024


# Asked for five times a task; the instances of a matrix have the same scripts.
@lru_cache(maxsize=1024)
def named_variables(scripts: tuple[str, ...]) -> tuple[str, ...]:
    """Names after ``$``, ``${`` or ``${#`` in scripts, sorted. One inside single quotes counts too: that is harmless."""
    return tuple(sorted({name for script in scripts if "$" in script for name in _NAMED.findall(script)}))


class Recipe(NamedTuple):
    """How a task is done: two equal digests mean that the same commands would run in the same way. ``parts``: short digests of
    the ``PARTS``, one behind the other, which only say which of them changed."""

    digest: bytes
    parts: bytes


# What a recipe consists of beside variables, as reasons name it.
PARTS = ("command", "shell", "cwd", "declared inputs", "declared outputs", "verify", "prompt")
_PART_BYTES = 4
_packed = msgspec.msgpack.Encoder().encode


def recipe_of(task: Task, counted: Mapping[str, bytes | None]) -> Recipe:
    """The recipe of a task. ``counted``: variables that count for it, see ``Environment.counted``."""
    commands = () if task.prompt else task.commands
    parts = (
        _part_in_common((commands, task.argv)),
        _part_in_common(task.shell if commands or task.verify else ()),
        _part_in_common(task.cwd),
        _part((task.inputs, task.excluded, task.sources, task.tools)),
        _part((task.outputs, task.modifies, task.depfile)),
        _part_in_common(task.verify) if task.verify else _NO_PART,
        _part_in_common((task.prompt,)) if task.prompt else _NO_PART,
    )
    variables: tuple[object, ...] = (sorted(task.env.items()), sorted(counted.items()))
    if task.arguments:
        # They need not be UTF-8.
        variables += (tuple([word.encode("utf-8", "surrogateescape") for word in task.arguments]),)
    # Each of them says where it ends: no two recipes come to the same bytes.
    whole = b"".join((*[part[0] for part in parts], _encode(variables)))
    return Recipe(_digest_of()(whole).digest(), b"".join([part[1] for part in parts]))


def _encode(value: object) -> bytes:
    """``value`` as bytes, another one for each value."""
    try:
        return _packed(value)
    except UnicodeEncodeError:
        return _packed(_undecoded(value))


def _undecoded(value: object) -> object:
    """``value`` with bytes in the place of texts that are not UTF-8: parameters and names of files need not be."""
    if isinstance(value, str):
        return value if value.isascii() or _is_encodable(value) else value.encode("utf-8", "surrogatepass")
    return tuple(map(_undecoded, value)) if isinstance(value, (tuple, list)) else value


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _part(declared: object) -> tuple[bytes, bytes]:
    """As a recipe's digest takes it, and its own short digest."""
    encoded = _encode(declared)
    return encoded, crc32(encoded).to_bytes(_PART_BYTES, "big")


# Thousands of tasks are done alike, and differ in their files.
_part_in_common = lru_cache(maxsize=1024)(_part)
_NO_PART = b"", crc32(b"").to_bytes(_PART_BYTES, "big")


@cache
def _digest_of() -> Callable[[bytes], blake3]:
    from blake3 import blake3

    return blake3


def changed_parts(then: bytes, now: bytes) -> list[str]:
    """Which ``PARTS`` differ; none where either is not known."""
    if len(then) != len(now):
        return []
    return [
        part
        for number, part in enumerate(PARTS)
        if then[number * _PART_BYTES : (number + 1) * _PART_BYTES]
        != now[number * _PART_BYTES : (number + 1) * _PART_BYTES]
    ]


class ListFault(msgspec.Struct, frozen=True):
    """Why ``$in`` or ``$out`` cannot be given to a script as text."""

    message: str


def list_variable(name: str, paths: Iterable[str], scripts: Iterable[str]) -> str | ListFault:
    """The value of ``$in`` or ``$out``: paths joined by spaces, or why a shell would not see them as they are."""
    paths = list(paths)
    text = " ".join(paths)
    # No character takes more than four bytes.
    size = len(text.encode("utf-8", "surrogateescape")) if len(text) > MAX_LIST_BYTES // 4 else 0
    if size > MAX_LIST_BYTES:
        instead = "use argv, or $in_file (one path a line)" if name == "in" else "use argv"
        return ListFault(f"${name} would be {size} bytes long: {instead}")
    odd = next(filter(is_odd, paths), None)
    if odd is not None and any(_is_unquoted(name, script) for script in scripts):
        step = "use argv, or $in_file" if name == "in" else "use argv"
        step = f'quote it ("${name}"), or {step}' if len(paths) == 1 else step
        return ListFault(f"${name} holds {odd!r}, which a shell would split or expand: {step}")
    return text


_ODD = late(r"[\s*?\[]")


def is_odd(path: str) -> bool:
    """Whether a shell would take a path apart that stands in an unquoted variable."""
    return _ODD.search(path) is not None


# What matters in a script: escapes, whole single-quoted strings, comments, and what opens or closes a context.
_PLAIN = r"""\\.|'[^']*(?:'|\Z)|(?<![^\s;&|()`])\#[^\n]*|\$\(|["`()]|\$(?:NAME\b|\{NAME\b)"""
_IN_DOUBLE_QUOTES = late(r"""\\.|\$\(|["`]""", re.DOTALL)


def _is_unquoted(name: str, script: str) -> bool:
    """Whether ``$name`` stands anywhere in ``script`` outside double quotes (inside single quotes it is no variable).

    Inside ``$(…)`` and backquotes quoting begins anew. Here-documents are taken for what surrounds them.
    """
    plain = re.compile(_PLAIN.replace("NAME", name), re.ASCII | re.DOTALL)
    open_ = [""]
    # Up to ``word`` a word surely goes on, so that a "#" there begins no comment.
    at = word = 0
    while (step := (_IN_DOUBLE_QUOTES if open_[-1] == '"' else plain).search(script, at)) is not None:
        at = step.end()
        text = step[0]
        if text[0] == "\\":
            word = at
        elif text[0] == "#" and word == step.start() > 0:
            at = word + 1
        elif text in ("$(", "("):
            open_.append(text)
        elif text[0] == "$":
            return True
        elif (text == ")" and open_[-1] in ("$(", "(")) or text == open_[-1]:
            word = at if open_.pop() != "(" else word
        elif text in ('"', "`"):
            open_.append(text)
    return False


def expand_argv(
    argv: Iterable[str], lists: Mapping[str, Iterable[str]], arguments: Iterable[str] = ()
) -> tuple[str, ...]:
    """``argv`` with each whole element that is ``$in`` or another of ``lists`` replaced by its paths, ``$@`` by ``arguments``."""
    words: list[str] = []
    for word in argv:
        if word in LAUNCH_WORDS:
            words.extend(lists[word[1:]])
        elif word == ARGUMENTS_WORD:
            words.extend(arguments)
        else:
            words.append(word)
    return tuple(words)


_WHOLE_NAME = late(r"\$[A-Za-z_]\w*", re.ASCII)
_LAUNCH_WORD_WITHIN = late(r"\$(?:in|out|depfile|in_file)\b", re.ASCII)


def literal_words(argv: Sequence[str]) -> list[str]:
    """Elements of ``argv`` that look as if somebody filled them in, and that nobody does: ``$CFLAGS``, ``-o$out``.

    What holds white space, or stands behind an option that takes a script (``-c``, ``-e``), may mean something to the program.
    """
    return [
        word
        for before, word in pairwise(("", *argv))
        if "$" in word and before not in ("-c", "-e") and word not in LAUNCH_WORDS
        if (_WHOLE_NAME.fullmatch(word) or _LAUNCH_WORD_WITHIN.search(word)) and not any(map(str.isspace, word))
    ]


def names_launch_word(task: Task, word: str) -> bool:
    """Whether a task uses ``$in_file`` or the like (``word`` without the dollar)."""
    return f"${word}" in task.argv or word in named_variables(task.attempted)


def out_paths(task: Task) -> list[str]:
    """What ``$out`` stands for: its outputs but for globs."""
    return [path for path in task.outputs or () if not is_glob(path)]
