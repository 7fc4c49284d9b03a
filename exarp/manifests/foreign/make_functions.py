"""What make's functions and references stand for: text to text.

Knows the functions that need nothing but their arguments and a way to look for files. Source: the GNU make manual, chapter
"Functions for Transforming Text". Does not know variables or rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from exarp.manifests.foreign.draft import UnconvertibleError

Glob = Callable[[str], Sequence[str]]


def replace_pattern(pattern: str, replacement: str, word: str) -> str:
    """A word by ``$(patsubst pattern,replacement,word)``: ``%`` is any text, the same in both."""
    stem = match_pattern(pattern, word)
    if stem is None:
        return word
    return replacement.replace("%", stem, 1) if "%" in pattern else replacement


def match_pattern(pattern: str, word: str) -> str | None:
    """The stem with which ``word`` fits a pattern, or None; without ``%`` only the very same word fits."""
    before, percent, after = pattern.partition("%")
    if not percent:
        return "" if word == pattern else None
    if len(word) < len(before) + len(after) or not word.startswith(before) or not word.endswith(after):
        return None
    return word[len(before) : len(word) - len(after)]


def substituted(reference: str, pattern: str, replacement: str) -> str:
    """``$(NAME:a=b)``, given NAME's value: ``a`` and ``b`` are endings where ``a`` has no ``%``."""
    if "%" not in pattern:
        pattern, replacement = f"%{pattern}", f"%{replacement}"
    return " ".join(replace_pattern(pattern, replacement, word) for word in reference.split())


def split_arguments(text: str, most: int) -> list[str]:
    """A function's arguments: split at commas that stand in no parentheses, at most ``most`` of them."""
    found: list[str] = []
    depth = start = 0
    for at, char in enumerate(text):
        if char in "({":
            depth += 1
        elif char in ")}":
            depth -= 1
        elif char == "," and depth == 0 and len(found) < most - 1:
            found.append(text[start:at])
            start = at + 1
    return [*found, text[start:]]


def reference_end(text: str, start: int) -> int:
    """Where the reference ends whose opening parenthesis or brace stands at ``start``; -1 where it never does."""
    opening = text[start]
    closing = ")" if opening == "(" else "}"
    depth = 0
    for at in range(start, len(text)):
        if text[at] == opening:
            depth += 1
        elif text[at] == closing:
            depth -= 1
            if depth == 0:
                return at
    return -1


def split_outside(text: str, mark: str) -> tuple[str, str | None]:
    """What stands before and behind the first ``mark`` that is in no reference; None where there is none."""
    at = 0
    while at < len(text):
        if text[at] == "$" and at + 1 < len(text) and text[at + 1] in "({":
            end = reference_end(text, at + 1)
            at = end if end > 0 else at + 1
        elif text[at] == mark:
            return text[:at], text[at + 1 :]
        at += 1
    return text, None


# How many arguments each takes; the last takes all that is left.
ARGUMENTS = {
    "subst": 3, "patsubst": 3, "strip": 1, "findstring": 2, "filter": 2, "filter-out": 2, "sort": 1, "word": 2,
    "wordlist": 3, "words": 1, "firstword": 1, "lastword": 1, "dir": 1, "notdir": 1, "suffix": 1, "basename": 1,
    "addsuffix": 2, "addprefix": 2, "join": 2, "wildcard": 1,
}  # fmt: skip


def call(name: str, arguments: Sequence[str], glob: Glob) -> str:
    """What a function of ``ARGUMENTS`` gives for arguments that are filled in. Raises UnconvertibleError for wrong ones."""
    given = [*arguments, *[""] * (ARGUMENTS[name] - len(arguments))]
    if name == "subst":
        return given[2].replace(given[0], given[1]) if given[0] else given[2]
    if name == "patsubst":
        return _each(given[2], lambda word: replace_pattern(given[0].strip(), given[1].strip(), word))
    if name == "findstring":
        return given[0] if given[0] in given[1] else ""
    if name in ("filter", "filter-out"):
        patterns = given[0].split()
        wanted = name == "filter"
        return " ".join(
            word for word in given[1].split() if any(match_pattern(p, word) is not None for p in patterns) == wanted
        )
    if name == "wildcard":
        return " ".join(path for pattern in given[0].split() for path in glob(pattern))
    if name in ("addsuffix", "addprefix"):
        return _each(given[1], lambda word: word + given[0] if name == "addsuffix" else given[0] + word)
    if name == "join":
        return " ".join(_joined(given[0].split(), given[1].split()))
    if name in ("word", "wordlist"):
        return _chosen(name, given)
    return _of_words(name, given[0].split())


def _each(words: str, change: Callable[[str], str]) -> str:
    return " ".join(change(word) for word in words.split())


def _joined(one: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    for at in range(max(len(one), len(other))):
        yield "".join(words[at] for words in (one, other) if at < len(words))


def _chosen(name: str, given: Sequence[str]) -> str:
    numbers = [text.strip() for text in given[:-1]]
    if not all(number.isdecimal() for number in numbers):
        raise UnconvertibleError(f"$({name} …) needs numbers")
    words = given[-1].split()
    first = int(numbers[0])
    last = first if name == "word" else int(numbers[1])
    return " ".join(words[max(first - 1, 0) : last])


def _of_words(name: str, words: list[str]) -> str:
    if name == "sort":
        words = sorted(set(words))
    elif name == "words":
        return str(len(words))
    elif name in ("firstword", "lastword"):
        words = words[:1] if name == "firstword" else words[-1:]
    elif name == "dir":
        words = [word[: word.rfind("/") + 1] or "./" for word in words]
    elif name == "notdir":
        words = [word[word.rfind("/") + 1 :] for word in words]
    elif name == "suffix":
        words = [found[0] for word in words if (found := re.search(r"\.[^./]*$", word))]
    elif name == "basename":
        words = [re.sub(r"\.[^./]*$", "", word) for word in words]
    return " ".join(words)
