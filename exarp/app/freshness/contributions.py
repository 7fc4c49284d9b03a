"""What tasks contribute to those that need them.

Knows which needs count for a task and what of them. Does not know how a contribution is compared (``planning.freshness``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from exarp.app.freshness.records import Records
from exarp.graph.task_graph import TaskGraph
from exarp.model.manifest import Manifest
from exarp.planning.freshness import Record


class Contributions:
    """Contributions in one run; each is worked out once an attempt.

    ``remains`` gives the recipe and the outputs, as they are, of a task that did not succeed: it may have changed files
    before it failed, and its dependents run all the same if the failure is allowed.
    """

    def __init__(
        self, manifest: Manifest, graph: TaskGraph, records: Records, remains: Callable[[int], Record]
    ) -> None:
        self._manifest = manifest
        self._graph = graph
        self._records = records
        self._remains = remains
        self._known: dict[int, bytes] = {}
        # What tasks left that did not succeed; None until somebody asks.
        self._left: dict[int, Record | None] = {}

    def succeeded(self, task: int) -> None:
        """What a task contributes is recorded."""
        self._unlearn(task)
        self._left.pop(task, None)

    def failed(self, task: int) -> None:
        """What a task contributes is what it left, whatever an older success says."""
        self._unlearn(task)
        self._left[task] = None

    def _unlearn(self, task: int) -> None:
        """Forget what a task contributes, and the groups that gather it."""
        stack = [task]
        while stack:
            changed = stack.pop()
            # Where nobody asked for what is below, nobody asked for what is above.
            if self._known.pop(changed, None) is not None:
                stack.extend(above for above in self._graph.dependents[changed] if self._gathers(above))

    def to(self, task: int, inputs: Mapping[str, bytes], read: Mapping[str, bytes]) -> dict[str, bytes]:
        """By name, what needs contribute that share no file with the task: a shared file counts as the input it is.

        ``read``: what its depfile lists beyond its inputs.
        """
        found = {}
        spec = self._manifest.tasks[task]
        for name in (*spec.needs, spec.parent) if spec.parent else spec.needs:
            need = self._graph.ids[name]
            record = self._record(need)
            if record is None or not _shares(record, inputs, read):
                found[name] = self._of(need)
        return found

    def _of(self, need: int) -> bytes:
        """A need's outputs, else its recipe; of a group all that its own needs contribute."""
        # Groups may be nested as deep as a manifest is long: no recursion.
        stack = [need]
        while stack:
            task = stack[-1]
            if task in self._known:
                stack.pop()
            elif not self._gathers(task):
                self._known[task] = self._of_task(task)
            elif below := [inner for inner in self._graph.needs[task] if inner not in self._known]:
                stack.extend(below)
            else:
                self._known[task] = self._of_group(task)
        return self._known[need]

    def _gathers(self, task: int) -> bool:
        """Whether a task only hands on what its own needs contribute; a service makes nothing, and is what it is made of."""
        return self._manifest.tasks[task].is_group or self._manifest.tasks[task].service is not None

    def _of_task(self, need: int) -> bytes:
        record = self._record(need)
        return record.contribution() if record is not None else b""

    def _record(self, need: int) -> Record | None:
        if need not in self._left:
            return self._records.success(need)
        left = self._left[need]
        if left is None:
            left = self._left[need] = self._remains(need)
        return left

    def _of_group(self, group: int) -> bytes:
        from blake3 import blake3

        # By name, so that no task without outputs makes two different groups look alike.
        parts = sorted((self._graph.names[inner], self._known[inner]) for inner in self._graph.needs[group])
        if self._manifest.tasks[group].service is not None:
            # What it runs counts, too, and what it reads.
            remains = self._remains(group)
            parts.append(("", remains.recipe))
            parts += sorted(remains.inputs.items())
        return blake3(msgspec.msgpack.encode(parts)).digest()


def _shares(record: Record, inputs: Mapping[str, bytes], read: Mapping[str, bytes]) -> bool:
    made = record.outputs.keys()
    return not (inputs.keys().isdisjoint(made) and (not read or read.keys().isdisjoint(made)))
