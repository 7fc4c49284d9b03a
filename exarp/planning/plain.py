"""Scripts that need no shell: one command, whose words are certain.

Knows what a POSIX shell would make of such a script, word by word, and which names of commands and variables are a shell's own.
Does not know where programs are. Whatever is not surely the same without a shell is left to the shell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from exarp.model.expression import late

# What no shell gives a meaning to, wherever it stands in a word; quoted text; a variable.
_PIECE = late(
    r"""(?P<blank>[ \t]+)
    |(?P<safe>[A-Za-z0-9_./:,+@%=-]+)
    |'(?P<single>[^']*)'
    |"(?P<double>[^"`\\]*)"
    |\$(?:(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})""",
    re.ASCII | re.VERBOSE,
)
_IN_QUOTES = late(r"(?P<text>[^$]+)|\$(?:(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})", re.ASCII)
_SPLIT = late("[ \t\n]+")
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


def plain_words(script: str, value: Callable[[str], str | None]) -> tuple[str, ...] | None:
    """The words of the one command that a script is; None where a shell is needed, or might be.

    ``value``: of a variable in the environment, None where it is not set.
    """
    pieces = _taken_apart(script)
    if pieces is None:
        return None
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
    return tuple(words.ended) if words.ended and _is_program(words.ended) else None


@lru_cache(maxsize=1024)
def _taken_apart(script: str) -> tuple[tuple[str, str], ...] | None:
    """The pieces of a script, with their kinds; None where there is something else in it. Many tasks have the same one."""
    found = []
    for piece in _pieces(_PIECE, script.strip(" \t\n")):
        if piece is None:
            return None
        kind = piece.lastgroup or ""
        found.append((kind, piece[kind]))
    return tuple(found)


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


def _quoted(text: str, value: Callable[[str], str | None]) -> str | None:
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


def _known(name: str, value: Callable[[str], str | None]) -> str | None:
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
