"""From a task with a matrix to its instances.

Knows that what uses no axis is read once, and what does for each instance; and that a glob of a matrix sees sources, never
what tasks make. Does not know what fields mean (``task``), nor how axes get their values (``matrix``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from exarp.errors import Problem, Related
from exarp.graph.pattern_index import PatternIndex
from exarp.manifests.document import TaskDocument
from exarp.manifests.outside import Outside
from exarp.manifests.tasks.fields import Fields
from exarp.manifests.tasks.matrix import MAX_INSTANCES, AxisReader, Glob, Matrices, Matrix, varied_fields
from exarp.manifests.tasks.readers import Readers, is_prompt
from exarp.manifests.tasks.task import BECOMES, TaskReader
from exarp.manifests.tasks.templates import COMMANDS
from exarp.model.overlap import overlap
from exarp.model.param import Param, filled_in, values_of
from exarp.model.path import is_glob, matches, takes_away
from exarp.model.task import Task

# Of one matrix: nobody reads more, and each takes time to place.
_MOST_PROBLEMS = 100


class Expansion:
    """Makes the instances of all matrices of a manifest.

    ``instances``: by the name of each matrix those of its tasks. ``broken``: matrices that are at fault, which is told.
    """

    def __init__(self, fields: Fields, outside: Outside, broken: Collection[str]) -> None:
        self.instances: dict[str, tuple[str, ...]] = dict.fromkeys(broken, ())
        self.broken = set(broken)
        self._fields = fields
        self._outside = outside
        self._matrices = Matrices(fields.variables)
        self._globs: list[tuple[str, Glob]] = []
        self._count = 0

    def tasks(self, name: str, written: TaskDocument, readers: Readers) -> list[Task]:
        """The instances of the task ``name``; none where its axes are at fault."""
        self._fields.locator.scopes = self._matrices
        matrix = self._matrix(name, written)
        varied = varied_fields(written, list(written.matrix)) - {"params"}
        reader = readers.of(name, written)
        reader.check_whole(name, written)
        free = {field: getattr(_COMMAND if field in COMMANDS else _PLAIN, field) for field in varied}
        if is_prompt(written) and not varied.isdisjoint(_PROMPT):
            # Its words and its agent are one thing, and for all else it is a command.
            varied |= _PROMPT.keys()
            free |= {**_PROMPT, "run": _COMMAND.run}
        shared = reader.meaning(replace(written, **free), ("task", name))
        if matrix is None:
            self.broken.add(name)
            self.instances[name] = ()
            return []
        self._matrices.add(matrix)
        tasks = self._instances(matrix, written, varied, shared, readers)
        self.instances[name] = tuple([task.name for task in tasks])
        return tasks

    def add_params(self, name: str, params: Sequence[Param]) -> None:
        """What the fields of a task, or of each instance of a matrix, know beside variables and axes."""
        self._fields.locator.scopes = self._matrices
        self._matrices.params[name] = filled_in(params)

    def _matrix(self, name: str, written: TaskDocument) -> Matrix | None:
        reader = AxisReader(self._fields, self._outside, name, written)
        axes = reader.axes(written.matrix)
        self._globs += [(name, glob) for glob in reader.globs]
        if axes is None:
            return None
        matrix = Matrix(name, axes)
        self._count += matrix.count
        if self._count > MAX_INSTANCES:
            sizes = " × ".join(str(len(values)) for values in axes.values())
            message = f"with the {matrix.count} instances of task {name!r} ({sizes}) there would be {self._count} tasks"
            step = f"leave some values out: all matrices together have {MAX_INSTANCES} at most"
            self._fields.add("too-many-instances", message, ("task", name, "matrix"), step, on_key=True)
            return None
        return matrix

    def _instances(
        self,
        matrix: Matrix,
        written: TaskDocument,
        varied: Collection[str],
        shared: dict[str, Any],
        readers: Readers,
    ) -> list[Task]:
        if written.params and varied:
            # What uses axes may use parameters, too.
            varied = {*varied, "params"}
        own = {field for key in varied for field in BECOMES.get(key, (key,))}
        part = TaskDocument(**{key: getattr(written, key) for key in varied})
        fields = Fields(self._fields.variables.beside({}), self._fields.locator, self._fields.problems)
        both = readers.with_fields(fields)
        common = [{f: v for f, v in (shared | _defaults(reader, written)).items() if f not in own} for reader in both]
        whole = readers.is_planned(matrix.name) or is_prompt(written)
        most = len(fields.problems) + _MOST_PROBLEMS
        tasks = []
        for name, known in matrix.instances():
            planned = whole or readers.is_planned(name)
            found: dict[str, Any] = {}
            if own and len(fields.problems) < most:
                fields.variables.local = known
                meaning = both[planned].meaning(part, ("task", name))
                found = {field: meaning[field] for field in own if field in meaning}
            variables = {axis: known[axis] for axis in matrix.axes}
            if written.params:
                variables |= values_of(found.get("params", shared["params"]))
            tasks.append(Task(name=name, variables=variables, **common[planned], **found))
        return tasks

    def check_globs(self, tasks: Sequence[Task]) -> None:
        """Tell of globs that stand for what a task makes: there would be other instances after a run than before."""
        if not self._globs:
            return
        index = PatternIndex(pattern for _, glob in self._globs for pattern in glob.patterns)
        told: set[tuple[str, str]] = set()
        for task in tasks:
            for output in task.outputs or ():
                if is_glob(output) or not index.overlapping(output):
                    continue
                for name, glob in self._globs:
                    maker = self._matrices.written_as(task.name)
                    if (name, maker) not in told and _sees(glob, output):
                        told.add((name, maker))
                        self._glob_of_outputs(name, glob, task, output)

    def _glob_of_outputs(self, name: str, glob: Glob, maker: Task, output: str) -> None:
        locator = self._fields.locator
        place = locator.value(*glob.path)
        made = locator.entry(("task", maker.name, "outputs"), output)
        message = (
            f"the matrix of task {name!r} stands for {output!r}, which task {maker.name!r} makes: it sees sources only"
        )
        step = f'take it away: glob = ["{glob.patterns[0]}", "!{output}{"**" if output.endswith("/") else ""}"]'
        related = (Related(made, f"{maker.name} makes it"),)
        self._fields.problems.append(Problem("glob-of-outputs", message, place, step, related))


_PLAIN = TaskDocument()
# That a task runs something counts for its other fields, whatever it is.
_COMMAND = TaskDocument(run="true", argv=["true"])
_PROMPT: dict[str, Any] = {"prompt": UNSET, "agent": ""}


def _defaults(reader: TaskReader, written: TaskDocument) -> dict[str, Any]:
    """The defaults of a reader, where a task does not say something else."""
    return {
        field: value for field, value in reader.defaults.items() if getattr(written, field) is getattr(_PLAIN, field)
    }


def _sees(glob: Glob, output: str) -> bool:
    if not any(overlap(pattern, output) for pattern in glob.patterns):
        return False
    made = output.rstrip("/")
    return not any(
        matches(out, made) or all(takes_away(out, output, pattern) for pattern in glob.patterns)
        for out in glob.excluded
    )
