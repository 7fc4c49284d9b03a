"""Slips of the pen: a word that is surely one of those which are known.

Knows spelling only, and is stricter than a suggestion may be: what is told here is changed in somebody's file. Does not know
what words mean.
"""

from __future__ import annotations

from collections.abc import Iterable

# In short words one other letter makes another word: ``args`` is not ``argv``, ``cmd`` is not ``cwd``. So do other letters at the
# beginning: ``external`` is not ``internal``, ``light`` not ``tight``.
_SHORTEST = 3
_ONE_MORE = 4
_ANOTHER = 5
_TWO = 8


def meant_by(written: str, known: Iterable[str]) -> str | None:
    """The only one of ``known`` that ``written`` can be a slip of; None where there is none, or more than one."""
    written = _bare(written)
    words = {word: _bare(word) for word in known}
    for is_so in (str.__eq__, _is_slip):
        found = [word for word, bare in words.items() if is_so(written, bare)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _bare(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")


def _is_slip(written: str, word: str) -> bool:
    shorter = min(len(written), len(word))
    if shorter < _SHORTEST or abs(len(written) - len(word)) > 2:
        return False
    if written.removesuffix("s") == word.removesuffix("s"):
        return True
    slips, same_start = _slips(written, word), written[0] == word[0]
    if slips > 1:
        return slips == 2 and shorter >= _TWO and same_start
    if len(written) != len(word):
        return shorter >= _ONE_MORE
    return (shorter >= _ANOTHER and same_start) or sorted(written) == sorted(word)


def _slips(one: str, other: str) -> int:
    """How many letters are missing, too many, others, or in each other's place."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and wanted == one[i - 2]:
                least = min(least, earlier[j - 2] + 1)
            row.append(least)
    return row[-1]
