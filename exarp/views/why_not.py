"""``exarp why-not A B``: a verdict in full, with every reason and where it is written.

Knows the shape of the answer. Does not know the words of a reason (``reason_words``) and does not decide.
"""

from __future__ import annotations

from collections.abc import Iterable

from exarp.model.manifest import Manifest, WaveSpec
from exarp.model.verdict import Reason, Verdict
from exarp.views import escape
from exarp.views.cells import listing
from exarp.views.color import Meaning, paint
from exarp.views.reason_words import Locate, rows, sentence, touches

_NAMES = 10
# Tasks that exclude each other for these reasons do so in whatever order they come.
_NO_ORDER = frozenset({"mutex", "resource"})
_CHOOSABLE = frozenset({"write-write", "read-write", "undecided", "undeclared"})


def answer(verdict: Verdict, manifest: Manifest, locate: Locate, color: bool = False) -> str:
    """The answer as lines, without a newline at the end. ``verdict.between`` (or ``among``) comes in the order in
    which the two would run."""
    members = verdict.between or verdict.among
    tasks = {task.name: task for task in manifest.tasks}
    parallel = verdict.runs == "parallel"
    lines = [_headline(verdict, parallel, [sentence(reason, tasks, members) for reason in verdict.reasons[:1]], color)]
    for index, reason in enumerate(verdict.reasons):
        if index:
            lines.append(f"also: {sentence(reason, tasks, members)}")
        lines += [f"  {row}" for row in rows(touches(reason, tasks, locate))]
    if not parallel:
        lines.append(" ".join(_order(verdict, manifest)))
    return "\n".join(lines)


def _headline(verdict: Verdict, parallel: bool, because: list[str], color: bool) -> str:
    names = [escape.name(name) for name in verdict.between or verdict.among]
    who = " and ".join(names) if len(names) == 2 else listing(names, _NAMES)
    if verdict.verdict == "upheld" and not because:
        meaning: Meaning = "done"
        says = f"{who} may run side by side: {_nothing(verdict)}"
    elif parallel:
        meaning = "done" if verdict.verdict == "upheld" else "wait"
        though = "but" if verdict.verdict == "upheld" else "though that is not proven safe:"
        says = f"{who} may run side by side, {though} {because[0]}"
    else:
        meaning = "wait"
        may = "may not run" if verdict.verdict == "refuted" else "do not run"
        unproven = "" if verdict.verdict == "refuted" else "it is not proven safe, "
        says = f"{who} {may} side by side: {unproven}{because[0] if because else 'nobody knows what they touch'}"
    head, colon, rest = says.partition(": ")
    return paint(head, meaning, color) + colon + rest


def _nothing(verdict: Verdict) -> str:
    """Why nothing speaks against it."""
    if verdict.kind == "waves":
        return "both are marked parallel, and no task of one needs, changes or reads what the other makes"
    return "neither needs the other, and neither changes what the other reads or writes"


def _order(verdict: Verdict, manifest: Manifest) -> Iterable[str]:
    """In which order they run, and how to change it."""
    members = verdict.between or verdict.among
    codes = {reason.code for reason in verdict.reasons}
    names = [escape.name(name) for name in members]
    if codes and codes <= _NO_ORDER:
        yield "They run one at a time, whichever is ready first."
        return
    if "dependency" in codes:
        yield f"They run in the order of their needs: {_then(names)}."
        return
    yield f"They run in manifest order: {_then(names)}."
    if verdict.kind == "waves" and verdict.between is not None:
        yield from _marking(verdict.between, verdict.reasons, manifest)
    elif len(names) == 2 and codes <= _CHOOSABLE | _NO_ORDER:
        yield f"To choose: add after = [{_toml(members[1])}] to {names[0]}."


def _then(names: list[str]) -> str:
    """``lint, then fmt``."""
    return ", then ".join(names) if len(names) <= _NAMES else listing(names, _NAMES)


def _marking(between: tuple[str, str], reasons: tuple[Reason, ...], manifest: Manifest) -> Iterable[str]:
    """Which markings are missing, where nothing else stands in the way."""
    if {reason.code for reason in reasons} != {"unmarked"}:
        return
    specs = {wave.name: wave for wave in manifest.waves}
    missing = [
        _allowing(specs[one], other)
        for one, other in (between, between[::-1])
        if one in specs and not specs[one].allows(other)
    ]
    if missing:
        yield f"To let them: set {' and '.join(missing)}."


def _allowing(wave: WaveSpec, other: str) -> str:
    """The marking that a wave needs to allow ``other`` beside what it allows already."""
    allowed = wave.parallel if isinstance(wave.parallel, tuple) else ()
    names = ", ".join(_toml(name) for name in (*allowed, other))
    return f"parallel = [{names}] in wave {escape.name(wave.name)}"


def _toml(name: str) -> str:
    """A name as a TOML string that can be pasted."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escape.name(quoted)}"'
