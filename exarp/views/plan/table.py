"""``exarp plan`` for a person: numbered waves, what runs beside what, and why not.

Knows the table's columns and which verdicts belong below which wave. Does not know the words of a reason
(``reason_words``) nor where a field is written: it is given a way to look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from exarp.errors import Problem
from exarp.model.manifest import Manifest
from exarp.model.plan import Plan, Wave
from exarp.model.task import Task
from exarp.model.verdict import Reason, Verdict
from exarp.views import escape, words
from exarp.views.cells import cut, listing, pad, width, wrap
from exarp.views.color import paint
from exarp.views.plan.matrix_names import MatrixNames
from exarp.views.plan.reason_words import Locate, needs, rows, sentence, touches
from exarp.views.problems import problem

_TITLE = 24
_PATH = 6
_PATH_HEAD = 3
_PATH_TAIL = 2
_PAIRS = 5
_NAMES = 10
_BLOCKED = 20


class Layout(msgspec.Struct, frozen=True):
    """How the table is shown. ``jobs``: commands at once, resolved. ``columns``: None for a pipe, where nothing is
    broken or cut."""

    jobs: int
    columns: int | None = None
    color: bool = False
    verbose: bool = False


def table(
    plan: Plan,
    manifest: Manifest,
    expected_ms: Mapping[str, int],
    locate: Locate,
    layout: Layout,
    warnings: Sequence[Problem] = (),
) -> str:
    """The whole table, without a newline at its end; ``warnings`` come last."""
    lines = [*_Table(plan, manifest, locate, layout).lines(expected_ms)]
    if warnings:
        lines += ["", problem.render_all(warnings, layout.color, None, layout.columns)]
    return wrap("\n".join(lines), layout.columns)


class _Table:
    def __init__(self, plan: Plan, manifest: Manifest, locate: Locate, layout: Layout) -> None:
        self.plan = plan
        self.settled = manifest.settled
        self.settings = manifest.settings
        self.locate = locate
        self.layout = layout
        self.matrices = MatrixNames(manifest.instances)
        self.tasks: dict[str, Task] = {task.name: task for task in manifest.tasks}
        self.wave_of = {plan.names[task]: wave for wave in plan.waves for task in wave.tasks}
        self.first_of = {wave.name: wave for wave in reversed(plan.waves) if wave.declared}
        self.before: dict[int, list[int]] = {}
        for earlier, later in plan.order:
            self.before.setdefault(later, []).append(earlier)
        # Of a pair that nothing keeps apart nothing is told, and of others only what stands behind "after".
        self.asked = {(plan.waves[number - 1].name, wave.name) for wave in plan.waves for number in wave.after}
        self.pairs: dict[tuple[str, str], Verdict] = {}
        self.below: dict[int, list[Verdict]] = {}
        for verdict in plan.verdicts:
            self._place(verdict)

    def lines(self, expected_ms: Mapping[str, int]) -> Iterable[str]:
        if not self.plan.waves:
            yield "nothing to do" if self.plan.blocked else "nothing to run"
        else:
            yield from self._header(expected_ms)
            yield ""
            yield from self._waves()
            if self.plan.verify:
                yield f"verified at the end: {words.scripts(self.plan.verify)}"
        yield from self._blocked()

    def _place(self, verdict: Verdict) -> None:
        """Remembers a verdict, as far as anybody will ask for it, and below which wave it is told."""
        if verdict.kind == "waves" and verdict.between is not None:
            if verdict.between in self.asked:
                self.pairs[verdict.between] = verdict
            if not verdict.marked or verdict.runs == "parallel":
                return
            waves = [self.first_of[name] for name in verdict.between if name in self.first_of]
        else:
            members = verdict.between or verdict.among
            waves = [self.wave_of[name] for name in members if name in self.wave_of]
        if waves:
            self.below.setdefault(max(wave.number for wave in waves), []).append(verdict)

    # -- header ------------------------------------------------------------------------------------------------

    def _header(self, expected_ms: Mapping[str, int]) -> Iterable[str]:
        count = len(self.plan.waves)
        waves = words.waves(count)
        if self.settings.packing == "tight" and self.settings.max_tasks_per_wave:
            fewest = self.plan.lower_bound
            waves += f" (at least {fewest})" if fewest < count else " (there cannot be fewer)"
        path = self._critical(expected_ms)
        yield f"{waves}, {words.tasks(self.plan.task_count)}" + (f", {path}" if path else "")
        if self.plan.schedule == "flow" and count > 1:
            yield "each task starts as soon as what it needs is done (schedule = flow)"

    def _critical(self, expected_ms: Mapping[str, int]) -> str:
        """The critical path with its duration, where that of every task on it is known."""
        path = [self.plan.names[task] for task in self.plan.critical_path]
        if len(path) < 2:
            return ""
        known = [expected_ms[name] for name in path if name in expected_ms]
        took = f" ({words.roughly(sum(known) / 1000)})" if len(known) == len(path) else ""
        shown = [escape.name(name) for name in path]
        if len(shown) > _PATH and not self.layout.verbose:
            left_out = len(shown) - _PATH_HEAD - _PATH_TAIL
            shown[_PATH_HEAD:-_PATH_TAIL] = [f"{left_out} more"]
        return f"critical path {' → '.join(shown)}{took}"

    # -- waves -------------------------------------------------------------------------------------------------

    def _waves(self) -> Iterable[str]:
        titles = [self._title(wave) for wave in self.plan.waves]
        counts = [self._count(wave) for wave in self.plan.waves]
        number = len(str(len(self.plan.waves))) + 1
        title = max(map(width, titles))
        count = max(map(width, counts))
        for wave, name, size in zip(self.plan.waves, titles, counts, strict=True):
            head = f"{wave.number:>{number}}  {pad(name, title)}{' ' * 6 if title else ''}{pad(size, count)}"
            yield from self._row(head, self._relations(wave))
            if self.layout.verbose:
                yield from (f"    {escape.name(self.plan.names[task])}" for task in wave.tasks)
            yield from self._verdicts(wave)

    def _row(self, head: str, relations: str) -> Iterable[str]:
        """One row; what does not fit into the terminal goes to a row of its own."""
        whole = f"{head}    {relations}".rstrip()
        if self.layout.columns is None or not relations or width(whole) <= self.layout.columns:
            return [whole]
        return [head.rstrip(), f"    {relations}"]

    def _title(self, wave: Wave) -> str:
        """A declared wave's name; for a derived one what it consists of."""
        if not wave.declared:
            grouped = self.matrices.grouped([self.plan.names[task] for task in wave.tasks])
            first = list(grouped)[:_NAMES]
            names = [escape.name(name) for name in first]
            if self.layout.columns is not None:
                return cut(", ".join(names), _TITLE)
            more = len(wave.tasks) - sum(grouped[name] for name in first)
            return ", ".join(names) + (f" and {more} more" if more else "")
        part = f" {wave.part}/{wave.parts}" if wave.parts > 1 else ""
        name = escape.name(wave.name)
        return (name if self.layout.columns is None else cut(name, _TITLE - len(part))) + part

    def _count(self, wave: Wave) -> str:
        size = words.tasks(len(wave.tasks))
        if len(wave.tasks) == 1:
            return size
        most = 1 if wave.order == "sequential" else self._at_once(wave)
        return f"{size}, in turn" if most == 1 else f"{size}, up to {most} at once"

    def _at_once(self, wave: Wave) -> int:
        """How many tasks of a wave may run at the same time, at most: of a chain of needs or doubts only one."""
        depth: dict[int, int] = {}
        for task in wave.tasks:
            before = (*self.plan.needs[task], *self.before.get(task, ()))
            depth[task] = 1 + max((depth[edge] for edge in before if edge in depth), default=0)
        longest = max(depth.values())
        return self.layout.jobs if longest == 1 else min(self.layout.jobs, len(wave.tasks) - longest + 1)

    def _relations(self, wave: Wave) -> str:
        """``beside 2``, ``after 1, 2: not marked parallel``."""
        parts = [f"beside {listing(wave.beside, _NAMES)}"] if wave.beside else []
        by_reason: dict[str, list[str]] = {}
        for number in wave.after:
            by_reason.setdefault(self._because(wave, self.plan.waves[number - 1]), []).append(str(number))
        parts += [
            f"after {listing(numbers, _NAMES)}" + (f": {because}" if because else "")
            for because, numbers in by_reason.items()
        ]
        if wave.verify:
            parts.append(f"then verified: {words.scripts(wave.verify)}")
        if wave.checkpoint:
            parts.append("then a checkpoint: a person looks")
        return "; ".join(parts)

    def _because(self, wave: Wave, earlier: Wave) -> str:
        """Why a wave comes after another, in a few words."""
        if wave.declared and wave.name == earlier.name:
            return "a part of the same wave"
        verdict = self.pairs.get((earlier.name, wave.name))
        if verdict is not None and verdict.reasons:
            reason = verdict.reasons[0]
            return needs(reason, self.tasks) if reason.code == "dependency" else sentence(reason, self.tasks)
        inside = set(earlier.tasks)
        need = next((need for task in wave.tasks for need in self.plan.needs[task] if need in inside), None)
        if need is not None:
            return f"needs {escape.name(self.plan.names[need])}"
        early = {self.plan.names[task] for task in inside}
        after = (name for task in wave.tasks for name in self._after(task) if name in early)
        name = next(after, None)
        if name is not None:
            return f"comes after {escape.name(name)}"
        return "" if wave.declared and earlier.declared else "a derived wave runs beside no other"

    def _after(self, task: int) -> tuple[str, ...]:
        return self.tasks[self.plan.names[task]].after

    def _blocked(self) -> Iterable[str]:
        """Tasks that are in no wave."""
        if not self.plan.blocked:
            return
        yield ""
        yield f"blocked, in no wave: {words.tasks(len(self.plan.blocked))}"
        shown = self.plan.blocked if self.layout.verbose else self.plan.blocked[:_BLOCKED]
        for task, names in shown:
            held = listing([self._status(name) for name in names], _NAMES)
            yield f"    {escape.name(self.plan.names[task])} waits for {held}"
        if len(self.plan.blocked) > len(shown):
            yield f"    and {len(self.plan.blocked) - len(shown)} more (-v tells them)"

    def _status(self, name: str) -> str:
        status = self.settled.get(name, "")
        return f"{escape.name(name)} ({escape.name(status)})" if status else escape.name(name)

    # -- verdicts ----------------------------------------------------------------------------------------------

    def _verdicts(self, wave: Wave) -> Iterable[str]:
        verdicts = self.below.get(wave.number, [])
        shown = verdicts if self.layout.verbose else verdicts[:_PAIRS]
        for verdict in shown:
            yield from self._marked(wave, verdict) if verdict.kind == "waves" else self._tasks(verdict)
        if len(verdicts) > len(shown):
            yield f"    and {len(verdicts) - len(shown)} more that do not run side by side (-v tells them)"

    def _marked(self, wave: Wave, verdict: Verdict) -> Iterable[str]:
        """A marking that was not upheld: every reason with its evidence."""
        other = next((name for name in verdict.between or () if name != wave.name), "")
        reasons = [reason for reason in verdict.reasons if reason.code != "unmarked"]
        behind_after = any(self.plan.waves[number - 1].name == other for number in wave.after)
        if behind_after and len(reasons) > 1 and reasons[0].code == "dependency":
            reasons = reasons[1:]  # it stands behind "after" already
        lead = f"marked parallel with {escape.name(other)}, but runs after it: "
        if verdict.verdict == "unproven":
            lead = f"marked parallel with {escape.name(other)}, but not proven safe, so it runs after it: "
        for reason in reasons:
            yield "    " + paint(lead + sentence(reason, self.tasks), "wait", self.layout.color)
            yield from self._evidence(reason)
            lead = "also: "

    def _evidence(self, reason: Reason) -> Iterable[str]:
        # "needs" and its like say all in the sentence; what two tasks do to a file is worth a look at both.
        if reason.code in ("dependency", "ordered-through"):
            return []
        return [f"        {row}" for row in rows(touches(reason, self.tasks, self.locate))]

    def _tasks(self, verdict: Verdict) -> Iterable[str]:
        """A pair or group of tasks that never run at the same time."""
        members = verdict.between or verdict.among
        names = [escape.name(name) for name in members]
        reasons = ", ".join(sentence(reason, self.tasks, members) for reason in verdict.reasons)
        who = " and ".join(names) if len(names) == 2 else listing(names, _NAMES)
        if verdict.runs == "parallel":
            yield f"    {who} may run side by side, though not proven safe: {reasons}"
            return
        against = listing([escape.name(name) for name in verdict.against], _NAMES)
        apart = f"run beside none of {against}" if verdict.kind == "groups" else "run one after the other"
        yield "    " + paint(f"{who} {apart}: {reasons}", "wait", self.layout.color)
        if verdict.against and verdict.kind == "group":
            yield f"        nor beside {against}"
        if self.layout.verbose:
            for reason in verdict.reasons:
                yield from self._evidence(reason)
