"""Guards: what stands between a wave and those after it: its verification, and its checkpoint.

Knows which guards a plan has, and how each becomes a wave of its own with one task that no manifest has. Does not know when a
guard lets pass (``engine.guarding``), nor what earlier runs found out (``app.running.guards``).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from exarp.model.choice import GuardKind
from exarp.model.manifest import Manifest
from exarp.model.name import prefix_of
from exarp.model.plan import Guard, Plan, Wave
from exarp.model.task import PRIORITIES, Task

# Of the verification at the end of a run in flow.
AT_THE_END = "verify the run"


def has_guards(manifest: Manifest) -> bool:
    """Whether any run of it may have guards."""
    return bool(manifest.settings.verify) or any(wave.verify or wave.checkpoint for wave in manifest.waves)


def guarded(plan: Plan, manifest: Manifest) -> tuple[Plan, tuple[Task, ...]]:
    """The plan as it is carried out, and its tasks: what waits for a wave waits for its guards, too.

    After every wave of which anything runs its verification, with the scripts of the settings, and behind them those of the
    wave; then its checkpoint. In flow the scripts of the settings come once, at the end. Of a wave in parts the last is guarded.
    """
    if not has_guards(manifest):
        return plan, manifest.tasks
    return _Guarding(plan, manifest).guarded()


class _Guarding:
    def __init__(self, plan: Plan, manifest: Manifest) -> None:
        self.plan = plan
        self.manifest = manifest
        self.first = len(plan.names)
        self.folders = {wave.name: wave.folder for wave in manifest.waves if wave.folder}
        self.guards: list[Guard] = []
        self.tasks: list[Task] = []
        self.waves: list[Wave] = []
        # What is to be waited for instead of a wave.
        self.instead: dict[int, int] = {}

    def guarded(self) -> tuple[Plan, tuple[Task, ...]]:
        plan = self.plan
        members: list[int] = []
        for wave in plan.waves:
            members += wave.tasks
            if not wave.continued:
                self.guard(wave, tuple(members))
                members = []
        waves = [msgspec.structs.replace(wave, after=self.after(wave)) for wave in plan.waves] + self.waves
        if plan.verify:
            ended = {*range(1, len(waves) + 1)}.difference(*[wave.after for wave in waves])
            waves.append(self.at_the_end(len(waves) + 1, tuple(sorted(ended))))
        positions = [max(plan.position, default=-1) + 1 + index for index in range(len(self.guards))]
        extended = msgspec.structs.replace(
            plan,
            names=(*plan.names, *(guard.name for guard in self.guards)),
            needs=(*plan.needs, *(() for _ in self.guards)),
            waves=tuple(waves),
            order=(*plan.order, *self.edges()),
            position=(*plan.position, *positions),
            guards=tuple(self.guards),
        )
        return extended, (*self.manifest.tasks, *self.tasks)

    def after(self, wave: Wave) -> tuple[int, ...]:
        return tuple([self.instead.get(earlier, earlier) for earlier in wave.after])

    def guard(self, wave: Wave, members: tuple[int, ...]) -> None:
        """The guards behind a wave whose last part is ``wave``."""
        if not wave.declared and all(self.manifest.tasks[task].is_group for task in members):
            return
        if wave.verify:
            folder = self.folders.get(wave.name, "") if wave.declared else ""
            self.put("verify", wave, members, self.verification(wave.name, wave.verify, folder))
        if wave.checkpoint:
            self.put("checkpoint", wave, members, Task(name=_named("checkpoint", wave.name)))

    def verification(self, wave: str, scripts: tuple[str, ...], folder: str = "") -> Task:
        settings = self.manifest.settings
        if folder and self.plan.schedule == "waves":
            # Those of the settings, which are the first, belong to the folder around.
            count = len(settings.verify)
            scripts = (*(f'cd "$EXARP_WORKSPACE"\n{script}' for script in scripts[:count]), *scripts[count:])
        return Task(
            name=_named("verify", wave) if wave else AT_THE_END,
            commands=scripts,
            shell=settings.shell,
            cwd=folder,
            timeout=settings.timeout,
            on_failure=settings.on_failure_of_verify,
            priority=PRIORITIES["critical"],
        )

    def put(self, kind: GuardKind, wave: Wave, members: tuple[int, ...], task: Task) -> None:
        before = self.instead.get(wave.number, wave.number)
        self.instead[wave.number] = number = len(self.plan.waves) + len(self.waves) + 1
        self.waves.append(Wave(number, task.name, (self.first + len(self.guards),), after=(before,), guard=kind))
        self.guards.append(Guard(kind, task.name, wave.number, wave.name, members))
        self.tasks.append(task)

    def at_the_end(self, number: int, after: tuple[int, ...]) -> Wave:
        members = tuple([task for wave in self.plan.waves for task in wave.tasks])
        task = self.verification("", self.plan.verify)
        self.guards.append(Guard("verify", task.name, 0, "", members))
        self.tasks.append(task)
        return Wave(number, task.name, (self.first + len(self.guards) - 1,), after=after, guard="verify")

    def edges(self) -> Iterator[tuple[int, int]]:
        """In flow, what needs something of a guarded wave waits for its guards, though its own wave waits for none."""
        if self.plan.schedule == "waves":
            return
        # Of a wave's guards the last.
        last = {task: index for index, guard in enumerate(self.guards) if guard.number for task in guard.members}
        inside = [frozenset(guard.members) for guard in self.guards]
        for wave in self.plan.waves:
            for task in wave.tasks:
                behind = {last[need] for need in self.plan.needs[task] if need in last}
                yield from ((self.first + index, task) for index in sorted(behind) if task not in inside[index])


def _named(kind: str, wave: str) -> str:
    """The name of a guard, which is no task's: of an included file's wave it begins with the prefix, as all that is of it."""
    prefix = prefix_of(wave)
    return f"{prefix}{kind} {wave[len(prefix) :]}"
