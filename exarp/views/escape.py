"""Text from elsewhere, made safe for a terminal.

Knows control characters, escape sequences (ECMA-48) and what a terminal does with a progress line. Does not know
where the text came from or where it goes.
"""

from __future__ import annotations

import re

from exarp.model.expression import late

# C0 but for tab and newline, DEL, C1; lone surrogates stand for bytes of file names that are no UTF-8.
_CONTROL = r"\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSAFE = late(f"[{_CONTROL}{_BIDI}]")
_UNSAFE_IN_LINE = late(f"[\t\n\u2028\u2029{_CONTROL}{_BIDI}]")
_SGR = r"\x1b\[[0-9;:]*m"
# Payloads of OSC, DCS and the like end at any control, so that an unfinished one swallows at most its own line, and
# so that matching stays linear whatever the input.
_SEQUENCE = late(
    rf"(?P<sgr>{_SGR})"
    r"|(?P<csi>\x1b\[(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~]))"
    r"|\x1b[\]PX^_][^\x00-\x08\x0a-\x1f\x7f-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
    rf"|(?P<control>[{_CONTROL}])"
)
_STYLED_CONTROL = late(f"[{_CONTROL}]")
_PARTIAL = late(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x00-\x08\x0a-\x1f\x7f-\x9f]*\x1b?|[ -/]*)\Z")
_MOVES = late(r"[\r\b]")
_RESETS = frozenset({"\x1b[m", "\x1b[0m"})
RESET = "\x1b[0m"
_LONGEST_PROGRESS = 16_384
_LONGEST_STYLE = 96


def _visible(match: re.Match[str]) -> str:
    return visible(match[0])


def visible(char: str) -> str:
    """A character as an escape that can be read: ``\\x1b``, ``\\n``, ``\\u202e``."""
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}.get(char)
    code = ord(char)
    return named or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def plain(text: str) -> str:
    """``text`` with every control character but newline and tab, and all that reorders it, as a visible escape."""
    return text if text.isprintable() else _UNSAFE.sub(_visible, text)


def name(text: str) -> str:
    """A name, or anything that must stay on one line: like ``plain``, with newlines and tabs visible too."""
    return text if text.isprintable() else _UNSAFE_IN_LINE.sub(_visible, text)


def bare(text: str) -> str:
    """What a terminal would show of ``text``, without any colour: only printing characters, newlines and tabs."""
    return styled(text, colors=False)


def styled(text: str, colors: bool = True) -> str:
    """What a terminal would show of ``text``: colours are kept (and reset at the end), no other sequence is.

    Cursor movements, titles, links and queries are dropped, other control characters become visible, a progress line
    (``\\r``, ``\\b``) becomes what it last showed.
    """
    if not _STYLED_CONTROL.search(text):
        return text
    text = text.replace("\r\n", "\n")
    if _MOVES.search(text):
        text = "\n".join(_settled(line) if _MOVES.search(line) else line for line in text.split("\n"))
    return _closed(_filtered(text, colors))


def _filtered(text: str, colors: bool, moves: str = "") -> str:
    def keep(match: re.Match[str]) -> str:
        if match["sgr"]:
            return match[0] if colors else ""
        control = match["control"]
        return "" if not control else control if control in moves else visible(control)

    return _SEQUENCE.sub(keep, text)


def _closed(text: str) -> str:
    """``text`` with its colours switched off at the end, so that they do not run into what follows."""
    start = text.rfind("\x1b[")
    if start < 0 or text[start : text.index("m", start) + 1] in _RESETS:
        return text
    return text + RESET


def _settled(line: str) -> str:
    """A line with ``\\r`` and ``\\b`` as a terminal would show it in the end."""
    if len(line) > _LONGEST_PROGRESS:
        # Only what was drawn last can still be seen.
        line = line[-_LONGEST_PROGRESS:].partition("\r")[2] or line[-_LONGEST_PROGRESS:]
    row, at = _Row(), 0
    for match in _SEQUENCE.finditer(line):
        row.write(line[at : match.start()])
        at = match.end()
        if match["sgr"]:
            row.restyle(match[0])
        elif match["csi"]:
            row.control(match["parameters"], match["final"])
        elif match["control"]:
            row.move(match["control"])
    row.write(line[at:])
    return row.text()


class _Row:
    """One row of a terminal: cells of a character and the colour it was written in."""

    def __init__(self) -> None:
        self._cells: list[tuple[str, str]] = []
        self._at = 0
        self._style = ""

    def write(self, text: str) -> None:
        missing = self._at - len(self._cells)
        if missing > 0:
            self._cells += [("", " ")] * missing
        self._cells[self._at : self._at + len(text)] = [(self._style, char) for char in text]
        self._at += len(text)

    def restyle(self, sgr: str) -> None:
        if sgr in _RESETS:
            self._style = ""
        else:
            # A row of colours that is never reset would otherwise make every cell longer than the one before.
            self._style = self._style + sgr if len(self._style) < _LONGEST_STYLE else sgr

    def move(self, control: str) -> None:
        if control == "\r":
            self._at = 0
        elif control == "\b":
            self._at = max(0, self._at - 1)
        else:
            self.write(visible(control))

    def control(self, parameters: str, final: str) -> None:
        """Erasing in the line; any other sequence leaves no trace."""
        if final != "K":
            return
        if parameters in ("", "0"):
            del self._cells[self._at :]
        elif parameters == "2":
            self._cells.clear()

    def text(self) -> str:
        out, style = "", ""
        pieces = []
        for wanted, char in self._cells:
            if wanted != style:
                pieces.append((RESET if style else "") + wanted)
                style = wanted
            pieces.append(char)
        out = "".join(pieces).rstrip(" ")
        return out + RESET if style else out


class Flow:
    """``styled`` for output that is shown while it comes, in pieces that may end within a sequence.

    ``\\r`` and ``\\b`` are passed on: the terminal itself draws the progress line.
    """

    def __init__(self, colors: bool = True) -> None:
        self._colors = colors
        self._held = ""
        self._open = False

    def feed(self, text: str) -> str:
        """What of ``text`` and of what was held back can be shown now."""
        text = self._held + text
        start = text.rfind("\x1b")
        # An OSC ends in ESC \, whose ESC alone would hide the beginning.
        start = max(text.rfind("\x1b", 0, start), 0) if start == len(text) - 1 else start
        partial = _PARTIAL.search(text, start) if start >= 0 else None
        keep = partial is not None and len(text) - partial.start() <= _LONGEST_PROGRESS
        self._held = text[partial.start() :] if partial is not None and keep else ""
        return self._shown(text[: len(text) - len(self._held)])

    def end(self) -> str:
        """The rest, and the end of any colour."""
        rest, self._held = self._shown(self._held), ""
        closing, self._open = (RESET if self._open else ""), False
        return rest + closing

    def _shown(self, text: str) -> str:
        if not _STYLED_CONTROL.search(text):
            return text
        shown = _filtered(text, self._colors, moves="\r\b")
        start = shown.rfind("\x1b[")
        if start >= 0:
            self._open = shown[start : shown.index("m", start) + 1] not in _RESETS
        return shown
