"""Names that manifests use: every task, wave and default that is named must exist, once.

Knows the model only. Runs one pass over all tasks; places are looked up only for what is wrong.
"""

from __future__ import annotations

from exarp.errors import Problem, Related
from exarp.manifests.place import KeyPath, Locator
from exarp.model.manifest import Manifest
from exarp.model.name import did_you_mean


def check_references(manifest: Manifest, locator: Locator, problems: list[Problem]) -> None:
    """Append a problem for each name that does not exist or stands twice."""
    _References(manifest, locator, problems).check()


class _References:
    def __init__(self, manifest: Manifest, locator: Locator, problems: list[Problem]) -> None:
        self.manifest = manifest
        self.locator = locator
        self.problems = problems
        self.names = {task.name for task in manifest.tasks}

    def check(self) -> None:
        for task in self.manifest.tasks:
            for field, values in (("needs", task.needs), ("after", task.after)):
                for index, name in enumerate(values):
                    if name not in self.names or name == task.name:
                        self.bad_need(task.name, field, index, name)
            for source in task.sources:
                if source not in self.names:
                    self.bad_source(task.name, source)
        for index, name in enumerate(self.manifest.settings.default):
            if name not in self.names:
                self.unknown(f"default names {name!r}, which does not exist", name, ("settings", "default", index))
        self.check_waves()

    def unknown(self, message: str, name: str, path: KeyPath) -> None:
        step = did_you_mean(name, self.names) or "define it, or take the name out"
        self.problems.append(Problem("unknown-task", message, self.locator.value(*path), step))

    def bad_need(self, task: str, field: str, index: int, name: str) -> None:
        path = ("task", task, field, index)
        verb = "needs" if field == "needs" else "comes after"
        if name == task:
            place = self.locator.value(*path)
            self.problems.append(Problem("self-need", f"task {task!r} {verb} itself", place, "take it out"))
            return
        self.unknown(f"task {task!r} {verb} {name!r}, which does not exist", name, path)

    def bad_source(self, task: str, source: str) -> None:
        self.unknown(
            f"task {task!r} takes inputs from {source!r}, which does not exist", source, ("task", task, "inputs")
        )

    def check_waves(self) -> None:
        seen_waves: dict[str, int] = {}
        seen_tasks: dict[str, KeyPath] = {}
        wave_names = {wave.name for wave in self.manifest.waves}
        for number, wave in enumerate(self.manifest.waves):
            if wave.name in seen_waves:
                self.twice(
                    "duplicate-wave",
                    f"wave {wave.name!r} is declared twice",
                    ("wave", number, "name"),
                    ("wave", seen_waves[wave.name], "name"),
                )
            seen_waves.setdefault(wave.name, number)
            for index, name in enumerate(wave.tasks):
                path = ("wave", number, "tasks", index)
                if name not in self.names:
                    self.unknown(f"wave {wave.name!r} lists {name!r}, which does not exist", name, path)
                elif name in seen_tasks:
                    self.twice("task-in-two-waves", f"task {name!r} is listed twice in waves", path, seen_tasks[name])
                seen_tasks.setdefault(name, path)
            for index, name in enumerate(() if isinstance(wave.parallel, bool) else wave.parallel):
                if name not in wave_names:
                    step = did_you_mean(name, wave_names) or "name a wave, or write true"
                    place = self.locator.value("wave", number, "parallel", index)
                    message = f"wave {wave.name!r} is marked parallel with {name!r}, which is no wave"
                    self.problems.append(Problem("unknown-wave", message, place, step))

    def twice(self, slug: str, message: str, path: KeyPath, first: KeyPath) -> None:
        related = (Related(self.locator.value(*first), "here first"),)
        self.problems.append(Problem(slug, message, self.locator.value(*path), "keep one of them", related))
