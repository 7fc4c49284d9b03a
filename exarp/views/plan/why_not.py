"""``exarp why-not A B``: a verdict in full, with every reason and where it is written.

Knows the shape of the answer. Does not know the words of a reason (``reason_words``) and does not decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from exarp.model.manifest import Manifest, WaveSpec
from exarp.model.verdict import Reason, Verdict
from exarp.views import escape
from exarp.views.cells import listing
from exarp.views.color import Meaning, paint
from exarp.views.plan.reason_words import Locate, rows, sentence, touches

_NAMES = 10
# Tasks that exclude each other for these reasons do so in whatever order they come.
_NO_ORDER = frozenset({"mutex", "resource"})
_CHOOSABLE = frozenset({"write-write", "read-write", "undecided", "undeclared"})


def answer(
    verdict: Verdict, manifest: Manifest, locate: Locate, color: bool = False, advise: Callable[[str], str] = str
) -> str:
    """The answer as lines, without a newline at the end. ``verdict.between`` (or ``among``) comes in the order in
    which the two would run. ``advise`` says what to write in the words of the manifest's notation."""
    members = verdict.between or verdict.among
    tasks = {task.name: task for task in manifest.tasks}
    clauses = [_clause(verdict, reason, sentence(reason, tasks, members)) for reason in verdict.reasons]
    lines = [_headline(verdict, clauses[:1] or [_nothing(verdict, manifest)], color)]
    for index, reason in enumerate(verdict.reasons):
        if index:
            lines.append(f"also: {clauses[index]}")
        lines += [f"  {row}" for row in rows(touches(reason, tasks, locate))]
    if verdict.runs != "parallel":
        lines.append(advise(" ".join(_order(verdict, manifest))))
    return "\n".join(lines)


def _clause(verdict: Verdict, reason: Reason, told: str) -> str:
    """A reason as it concerns the two: what keeps two waves apart keeps their tasks apart, whichever it is about."""
    members = verdict.between or verdict.among
    if verdict.kind != "tasks" or reason.code in ("mutex", "resource", "undeclared"):
        return told
    if reason.code == "unmarked" and not reason.name:
        return f"their waves are {told}"
    if reason.code == "ordered-through" and not reason.tasks:
        return f"their waves run one after the other, {told}"
    if len(reason.tasks) == 2 and not set(reason.tasks) <= set(members):
        names = " and ".join(escape.name(name) for name in reason.tasks)
        return f"their waves run one after the other, because of {names}: {told}"
    return told


def _headline(verdict: Verdict, because: list[str], color: bool) -> str:
    names = [escape.name(name) for name in verdict.between or verdict.among]
    who = " and ".join(names) if len(names) == 2 else listing(names, _NAMES)
    if verdict.verdict == "upheld" and not verdict.reasons:
        meaning: Meaning = "done"
        says = f"{who} may run side by side: {because[0]}"
    elif verdict.runs == "parallel":
        meaning = "done" if verdict.verdict == "upheld" else "wait"
        though = "but" if verdict.verdict == "upheld" else "though that is not proven safe:"
        says = f"{who} may run side by side, {though} {because[0]}"
    else:
        meaning = "wait"
        may = "may not run" if verdict.verdict == "refuted" else "do not run"
        unproven = "" if verdict.verdict == "refuted" else "it is not proven safe, "
        says = f"{who} {may} side by side: {unproven}{because[0]}"
    head, colon, rest = says.partition(": ")
    return paint(head, meaning, color) + colon + rest


def _nothing(verdict: Verdict, manifest: Manifest) -> str:
    """Why nothing speaks against it, as far as the manifest says what tasks touch."""
    trusted = _trusted(verdict, manifest)
    if not trusted:
        return _what_holds(verdict, "")
    names = listing([escape.name(name) for name in trusted], _NAMES)
    are = "is" if len(trusted) == 1 else "are"
    return f'{_what_holds(verdict, "as far as declared ")}; {names} {are} undeclared, trusted (trust = "plan")'


def _what_holds(verdict: Verdict, as_far: str) -> str:
    if verdict.kind == "waves":
        return f"both are marked parallel, and {as_far}no task of one needs, changes or reads what the other makes"
    return f"{as_far}neither needs the other, and neither changes what the other reads or writes"


def _trusted(verdict: Verdict, manifest: Manifest) -> list[str]:
    """Tasks of the two that do not say all they touch."""
    members = set(verdict.between or verdict.among)
    if verdict.kind == "waves":
        members = {name for wave in manifest.waves if wave.name in members for name in wave.tasks}
    return [task.name for task in manifest.tasks if task.name in members and not task.is_declared]


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
    if any(reason.code == "unmarked" and reason.name for reason in verdict.reasons):
        both = "both" if verdict.kind == "tasks" else "the tasks of both"
        yield f"To let them: put {both} into declared waves that are marked parallel, or into one."
    elif verdict.kind == "waves" and verdict.between is not None:
        yield from _marking(verdict.between, verdict.reasons, manifest)
    elif len(names) == 2 and _can_choose(members, verdict.reasons):
        yield f"To choose: add after = [{_toml(members[1])}] to {names[0]}."


def _can_choose(members: Sequence[str], reasons: Sequence[Reason]) -> bool:
    """Whether the order of the two is nobody's but theirs."""
    return all(reason.code in _CHOOSABLE | _NO_ORDER and set(reason.tasks) <= set(members) for reason in reasons)


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
