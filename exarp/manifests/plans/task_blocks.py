"""``<task>`` blocks in Markdown.

Knows where they begin and end, their attributes, and the few tags inside that plans use. Does not know any other HTML, and
treats nothing as a tag that stands in a code fence outside of all blocks, in a comment, or inside another tag's text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from exarp.errors import Problem
from exarp.manifests.plans.source import Source

_MARK = re.compile(r"^[ \t]*(?P<open><task(?=[\s>/]))|(?P<close></task\s*>)|^[ \t]*</tasks\s*>", re.MULTILINE)
_REST_OF_TAG = re.compile(r"""(?:[^>"']|"[^"]*"|'[^']*')*>""")
_ATTRIBUTE = re.compile(r"""([A-Za-z_:][\w:.-]*)[ \t]*=[ \t]*("[^"\n]*"|'[^'\n]*'|[^\s"'>]+)""")
_TAG = re.compile(r"<([A-Za-z][\w-]*)[^<>\n]*>")
_FENCE = re.compile(r"^[ \t]*(```+|~~~+)([^\n]*)$", re.MULTILINE)
# What says how to tell that a task is done.
PROOFS = frozenset({"verify", "done", "acceptance_criteria", "how-to-verify", "resume-signal"})
_KNOWN = PROOFS | {"name", "files", "action", "read_first", "behavior", "implementation", "what-built", "decision"}
_KNOWN |= {"context", "options", "automated", "instructions", "verification"}
_NEXT_TAG = re.compile(rf"^[ \t]*(<(?:{'|'.join(sorted(_KNOWN))})>)", re.MULTILINE)


class Part(NamedTuple):
    """The text of a tag, and where it stands."""

    tag: str
    text: str
    start: int
    end: int


class Block(NamedTuple):
    """A ``<task>``: where its first tag stands, its attributes, the tags inside in their order, and all its text."""

    start: int
    end: int
    attributes: dict[str, str]
    parts: tuple[Part, ...]
    text: str

    def first(self, tag: str) -> Part | None:
        """The first of the tags of a name."""
        return next((part for part in self.parts if part.tag == tag), None)


def task_blocks(source: Source, start: int) -> list[Block]:
    """The blocks of a file from ``start`` on, in their order; what is odd about them is remarked on."""
    return list(_Blocks(source, start).blocks())


class _Blocks:
    def __init__(self, source: Source, start: int) -> None:
        self.source = source
        self.text = source.text
        self.start = start

    def warn(self, message: str, step: str, start: int, end: int) -> None:
        self.source.remark(Problem("plan-task", message, None, step, severity="warning"), start, end)

    def blocks(self) -> Iterator[Block]:
        marks = list(_MARK.finditer(self.text, self.start))
        if not marks:
            return
        opened: re.Match[str] | None = None
        for mark in self._visible(marks):
            is_open = mark["open"] is not None
            if opened is not None:
                closed = mark["close"] is not None
                if not closed:
                    message = "this <task> has no end"
                    self.warn(message, "end it with </task>", opened.start("open"), opened.end("open"))
                yield self._block(opened, mark.start("close") if closed else mark.start())
            opened = mark if is_open else None
        if opened is not None:
            message = "this <task> has no end"
            self.warn(message, "end it with </task>", opened.start("open"), opened.end("open"))
            yield self._block(opened, len(self.text))

    def _visible(self, marks: Sequence[re.Match[str]]) -> Iterator[re.Match[str]]:
        """Marks that stand neither in a comment nor in an example."""
        hidden = [(*span, False) for span in self._comments()] + [(*span, True) for span in self._examples(marks)]
        hidden.sort()
        starts = [start for start, _, _ in hidden]
        for mark in marks:
            at = bisect_right(starts, mark.start()) - 1
            if at < 0 or mark.start() >= hidden[at][1]:
                yield mark
            elif hidden[at][2] and mark["open"]:
                message = "this <task> stands in a code fence: it is taken as an example"
                self.warn(message, "take the fence away if it is meant", mark.start("open"), mark.end("open"))

    def _block(self, opened: re.Match[str], end: int) -> Block:
        start = opened.start("open")
        inside = self._tag_end(opened)
        attributes = self._attributes(opened.end("open"), inside)
        return Block(start, inside, attributes, tuple(self._parts(inside, end)), self.text[inside:end].strip())

    def _tag_end(self, opened: re.Match[str]) -> int:
        """Where the opening tag ends, at the latest with its line."""
        text, start = self.text, opened.end("open")
        line_end = text.find("\n", start)
        line_end = line_end if line_end >= 0 else len(text)
        closed = _REST_OF_TAG.match(text, start, line_end)
        if closed is not None:
            return closed.end()
        plain = text.find(">", start, line_end)
        end = plain + 1 if plain >= 0 else line_end
        self.warn("this tag has no end", "end it with >, and its values with quotes", opened.start("open"), end)
        return end

    def _attributes(self, start: int, end: int) -> dict[str, str]:
        found: dict[str, str] = {}
        for match in _ATTRIBUTE.finditer(self.text, start, end):
            if match[1] in found:
                message = f"the attribute {match[1]!r} stands twice: the first one counts"
                self.warn(message, "keep one of them", match.start(), match.end())
            found.setdefault(match[1], match[2].strip("\"'"))
        return found

    def _parts(self, start: int, end: int) -> Iterator[Part]:
        """The tags directly in a block: what stands inside one of them is its text."""
        text = self.text
        while (opened := _TAG.search(text, start, end)) is not None:
            tag, start = opened[1], opened.end()
            if tag not in _KNOWN:
                continue
            following = _NEXT_TAG.search(text, start, end)
            closing = text.find(f"</{tag}>", start, end)
            if closing < 0:
                closing = following.start(1) if following is not None else end
                self.warn(f"this <{tag}> has no end", f"end it with </{tag}>", opened.start(), opened.end())
            yield Part(tag, text[start:closing], start, closing)
            start = closing

    def _comments(self) -> Iterator[tuple[int, int]]:
        start = self.text.find("<!--", self.start)
        while start >= 0:
            end = self.text.find("-->", start)
            if end < 0:
                return
            yield start, end
            start = self.text.find("<!--", end)

    def _examples(self, marks: Sequence[re.Match[str]]) -> Iterator[tuple[int, int]]:
        """Code fences that hold whole blocks: they begin one before they end one, and end as many as they begin.

        Any other fence is one that somebody forgot to open or to close, and hides nothing.
        """
        starts = [mark.start() for mark in marks]
        opened: re.Match[str] | None = None
        for fence in _FENCE.finditer(self.text, self.start):
            if opened is None:
                opened = fence
            elif fence[1].startswith(opened[1]) and not fence[2].strip():
                within = marks[bisect_right(starts, opened.start()) : bisect_right(starts, fence.start())]
                begun = [mark["open"] is not None for mark in within]
                if begun and begun[0] and 2 * sum(begun) == len(begun):
                    yield opened.start(), fence.end()
                opened = None
