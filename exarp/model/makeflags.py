"""What MAKEFLAGS says of a jobserver: the pool of tokens by which makes, cargos and the like share job slots.

Knows the words of GNU make ("POSIX Jobserver Interaction" in its manual), of all its versions: ``--jobserver-auth=R,W`` or
``=fifo:PATH``, ``--jobserver-fds=R,W`` before 4.2, and the ``-jN`` that goes with them. Does not know whether anybody is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

# Whoever asks for a jobserver looks into these, in one order or the other: make into the first, cargo into the second before it.
NAMES = ("MAKEFLAGS", "CARGO_MAKEFLAGS", "MFLAGS")
# No process has a descriptor of more digits.
_LONGEST = 10
_PRETENDING = frozenset("nqt")
_WORDS = ("--jobserver-auth=", "--jobserver-fds=")


class Jobserver(msgspec.Struct, frozen=True):
    """A jobserver as it is told of. ``words``: how, with the ``-jN``. It is the named pipe ``fifo``, or, where that is empty, the
    pipe with these descriptors; negative ones say that it is not meant for who reads this."""

    words: str
    fifo: str = ""
    reader: int = -1
    writer: int = -1


def jobserver_in(flags: str) -> Jobserver | None:
    """The jobserver that MAKEFLAGS names, the last one if there are several; None for none.

    Single letters (``kw``) and variables (``-- CC=gcc``) are no words of its.
    """
    words = [word for word, is_of_jobserver in _words(flags) if is_of_jobserver]
    auth = next((word.partition("=")[2] for word in reversed(words) if word.startswith(_WORDS)), None)
    if auth is None:
        return None
    told = " ".join(words)
    if auth.startswith("fifo:"):
        return Jobserver(told, fifo=auth.removeprefix("fifo:"))
    reader, _, writer = auth.partition(",")
    return Jobserver(told, "", _descriptor(reader), _descriptor(writer))


def only_pretends(flags: str) -> bool:
    """Whether make was told to change nothing: to say what it would do (``-n``), to ask whether anything is to be done
    (``-q``), or to touch files (``-t``). It carries out recipes that are marked with ``+`` all the same, and what these call is
    to mind it.

    Single letters are the first word, and nothing is, where there are none ("Communicating Options to a Sub-make" in its manual).
    """
    letters = flags.partition(" ")[0]
    return not letters.startswith("-") and "=" not in letters and not _PRETENDING.isdisjoint(letters)


def with_jobserver(flags: str, words: str) -> str:
    """What MAKEFLAGS says, but of a jobserver only ``words``; before the variables, if it sets any."""
    kept = [word for word, is_of_jobserver in _words(flags) if not is_of_jobserver]
    if words:
        # As make has it: where there are no single letters, nothing stands before the first space.
        kept.insert(kept.index("--") if "--" in kept else len(kept), words)
    return " ".join(kept)


def environment_with(environ: Mapping[str, str], words: str) -> Mapping[str, str]:
    """An environment that names that jobserver, and no other one; none at all where ``words`` is empty."""
    said = {name: environ[name] for name in NAMES if name in environ}
    if words:
        said.setdefault("MAKEFLAGS", "")
    elif not any(jobserver_in(flags) for flags in said.values()):
        return environ
    return {**environ, **{name: with_jobserver(flags, words) for name, flags in said.items()}}


def _words(flags: str) -> Iterator[tuple[str, bool]]:
    """The words, and whether each is about a jobserver: a ``-jN`` is where one is named, else it is the caller's own."""
    words = flags.split(" ")
    end = words.index("--") if "--" in words else len(words)
    # What stands behind a space that is escaped belongs to the word before.
    whole = [not (at and words[at - 1].endswith("\\")) for at in range(end)]
    named = any(whole[at] and words[at].startswith(_WORDS) for at in range(end))
    for at, word in enumerate(words):
        is_count = word.startswith("-j") and (not word[2:] or word[2:].isdigit())
        yield word, named and at < end and whole[at] and (is_count or word.startswith(_WORDS))


def _descriptor(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < _LONGEST else -1
