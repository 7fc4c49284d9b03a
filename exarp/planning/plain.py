"""Scripts that need no shell: one command, whose words and redirections are certain.

Knows what a POSIX shell would make of such a script, word by word, and which names of commands and variables are a shell's own.
Does not know where programs are. Whatever is not surely the same without a shell is left to the shell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from exarp.model.expression import late
from exarp.model.launch import Operator, Redirection

# A redirection, where every shell has the same; what no shell gives a meaning to, wherever it stands in a word; quoted text; a
# variable.
_PIECE = late(
    r"""(?P<blank>[ \t]+)
    |(?P<merged>2>&1|1?>&2)(?![^ \t])
    |(?P<redirected>[0-9]*(?:>>|[<>])(?![<>&|(]))
    |(?P<safe>[A-Za-z0-9_./:,+@%=-]+)
    |'(?P<single>[^']*)'
    |"(?P<double>[^"`\\]*)"
    |\$(?:(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})""",
    re.ASCII | re.VERBOSE,
)
_IN_QUOTES = late(r"(?P<text>[^$]+)|\$(?:(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})", re.ASCII)
_SPLIT = late("[ \t\n]+")
_DEFAULTS: dict[str, tuple[int, Operator]] = {
    "<": (0, "<"), "0<": (0, "<"), ">": (1, ">"), "1>": (1, ">"), "2>": (2, ">"), ">>": (1, ">>"), "1>>": (1, ">>"),
    "2>>": (2, ">>"), "2>&1": (2, ">&"), "1>&2": (1, ">&"), ">&2": (1, ">&"),
}  # fmt: skip
# What bash opens in ways of its own, and what may not be a file at all.
_DEVICES = "/dev/"
_NO_DEVICE = "/dev/null"
# In a value that is not quoted: what makes a shell look for files.
_EXPANDS = late(r"[*?\[\\]")
_EXPORTABLE = late(r"[A-Za-z_]\w*", re.ASCII)

# Of dash, bash, ksh and busybox together. `true` and `false` are programs too, which do the same if they are told nothing.
_OF_SHELLS = frozenset(
    """. : [ [[ ]] { } ! alias autoload bg bind break builtin caller case cd chdir command compgen complete compopt continue
    coproc declare dirs disown do done echo elif else enable esac eval exec exit export false fc fg fi float for function
    getopts hash help history if in integer jobs kill let local log logout mapfile nameref nocorrect noglob popd print
    printf pushd pwd read readarray readonly repeat return select set setopt shift shopt source suspend test then time
    times trap true type typeset ulimit umask unalias unset unsetopt until vared wait whence where which while""".split()
)
_ALIKE = frozenset({"true", "false"})
# Variables that some shell sets, resets, obeys or does not hand on as it found them.
_RESET = frozenset(
    """BASHOPTS BASH_ENV DIRSTACK EPOCHREALTIME EPOCHSECONDS EUID FUNCNAME GROUPS HISTCMD IFS LINENO OPTARG OPTERR OPTIND
    PIPESTATUS PPID PS4 RANDOM SECONDS SHELLOPTS SRANDOM UID""".split()
)
# Set by shells to what exarp sets them to, or to what concerns nobody but shells.
_SET = frozenset({"PWD", "OLDPWD", "SHLVL", "_"})
_SHELL = late(r"(?:/bin/|/usr/bin/)?(?:sh|dash|bash)")
_OPTIONS = late(r"(?: -(?:[eu]+|[eu]*o (?:pipefail|errexit|nounset)))* -[eu]*c")


@lru_cache(maxsize=64)
def is_ordinary_shell(shell: tuple[str, ...]) -> bool:
    """Whether scripts go to a POSIX shell that reads no files of its own, without options that change a plain command."""
    return (
        bool(shell)
        and _SHELL.fullmatch(shell[0]) is not None
        and _OPTIONS.fullmatch("".join(f" {word}" for word in shell[1:])) is not None
    )


def is_handed_on(names: Iterable[str]) -> bool:
    """Whether a shell hands an environment of these names on as it is (but for PWD), and is not changed by it.

    Names that no variable can have (``BASH_FUNC_ls%%``) some drop, and some take for functions.
    """
    return all(_EXPORTABLE.fullmatch(name) and name not in _RESET for name in names)


_Value = Callable[[str], str | None]


class PlainCommand(NamedTuple):
    """The command that a script is: its words, at least one, and its redirections in the order in which they take effect."""

    words: tuple[str, ...]
    redirections: tuple[Redirection, ...] = ()


def plain_command(script: str, value: _Value) -> PlainCommand | None:
    """The one command that a script is; None where a shell is needed, or might be.

    ``value``: of a variable in the environment, None where it is not set.
    """
    form = _taken_apart(script)
    words = None if form is None else _words(form.command, value)
    if form is None or not words or not _is_program(words):
        return None
    if not form.redirected:
        return PlainCommand(tuple(words))
    redirections = [_redirection(operator, pieces, value) for operator, pieces in form.redirected]
    known = tuple([redirection for redirection in redirections if redirection is not None])
    return PlainCommand(tuple(words), known) if len(known) == len(redirections) else None


class _Piece(NamedTuple):
    kind: str
    text: str


class _Form(NamedTuple):
    """A script taken apart: the pieces of its command, and its redirections, each with the pieces of its file's name."""

    command: list[_Piece]
    redirected: list[tuple[str, list[_Piece]]]


@lru_cache(maxsize=1024)
def _taken_apart(script: str) -> _Form | None:
    """None where there is something else in it. Many tasks have the same one."""
    form = _Form([], [])
    pieces, before = form.command, "blank"
    for found in _pieces(_PIECE, script.strip(" \t\n")):
        if found is None:
            return None
        kind = found.lastgroup or ""
        text = found[kind]
        if kind in ("redirected", "merged"):
            # A number that belongs to a word is none of a descriptor.
            if text not in _DEFAULTS or (text[0].isdigit() and before != "blank"):
                return None
            form.command.append(_Piece("blank", ""))
            form.redirected.append((text, pieces := [] if kind == "redirected" else form.command))
        elif kind != "blank":
            pieces.append(_Piece(kind, text))
        elif pieces:
            # Blanks between an operator and its file end nothing.
            pieces = form.command
            pieces.append(_Piece(kind, text))
        before = kind
    return form


def _words(pieces: Iterable[_Piece], value: _Value) -> list[str] | None:
    words = _Words()
    for kind, text in pieces:
        if kind == "blank":
            words.end()
        elif kind in ("safe", "single"):
            words.put(text)
        elif kind == "double":
            quoted = _quoted(text, value)
            if quoted is None:
                return None
            words.put(quoted)
        else:
            known = _known(text, value)
            if known is None or _EXPANDS.search(known):
                return None
            words.split(known)
    words.end()
    return words.ended


def _redirection(operator: str, pieces: Sequence[_Piece], value: _Value) -> Redirection | None:
    descriptor, kind = _DEFAULTS[operator]
    if kind == ">&":
        return Redirection(descriptor, kind, operator[-1])

    def unsplit(name: str) -> str | None:
        # Some shells split it, and want one word; others do not.
        known = value(name)
        return None if known is None or _SPLIT.search(known) else known

    words = _words(pieces, unsplit)
    if not words or len(words) != 1 or not words[0] or (words[0].startswith(_DEVICES) and words[0] != _NO_DEVICE):
        return None
    return Redirection(descriptor, kind, words[0])


class _Words:
    """Words as they come about, piece by piece."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self._word: str | None = None

    def put(self, text: str) -> None:
        """A piece of a word, which may be empty: there is a word, then."""
        self._word = (self._word or "") + text

    def end(self) -> None:
        """No more of this word."""
        if self._word is not None:
            self.ended.append(self._word)
        self._word = None

    def split(self, text: str) -> None:
        """A value that is not quoted: each blank in it ends a word; without anything in it, it is none."""
        for number, part in enumerate(_SPLIT.split(text)):
            if number:
                self.end()
            if part:
                self.put(part)


def _quoted(text: str, value: _Value) -> str | None:
    """What a text in double quotes comes to."""
    if "$" not in text:
        return text
    parts: list[str] = []
    for found in _pieces(_IN_QUOTES, text):
        part = (
            None
            if found is None
            else found[0]
            if found.lastgroup == "text"
            else _known(found[found.lastgroup or 0], value)
        )
        if part is None:
            return None
        parts.append(part)
    return "".join(parts)


def _known(name: str, value: _Value) -> str | None:
    return None if name in _SET or name in _RESET else value(name)


def _pieces(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str] | None]:
    """What a text is made of, one match after the other; None at last where something in it is no piece."""
    at = 0
    while at < len(text):
        found = pattern.match(text, at)
        yield found
        if found is None:
            return
        at = found.end()


def _is_program(words: Sequence[str]) -> bool:
    name = words[0]
    if name in _ALIKE:
        return len(words) == 1
    # An assignment, a job of bash.
    return bool(name) and name not in _OF_SHELLS and "=" not in name and name[0] != "%"
