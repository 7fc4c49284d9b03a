"""What tasks contribute to those that need them.

Knows which needs count for a task and what of them. Does not know how a contribution is compared (``planning.freshness``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from exarp.app.records import Records
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
        self._known.pop(task, None)
        self._left.pop(task, None)

    def failed(self, task: int) -> None:
        """What a task contributes is what it left, whatever an older success says."""
        self._known.pop(task, None)
        self._left[task] = None

    def to(self, task: int, inputs: Mapping[str, bytes]) -> dict[str, bytes]:
        """By name, what needs contribute that share no file with the task: a shared file counts as the input it is."""
        found = {}
        for name in self._manifest.tasks[task].needs:
            need = self._graph.ids[name]
            record = self._record(need)
            if record is None or inputs.keys().isdisjoint(record.outputs.keys()):
                found[name] = self._of(need)
        return found

    def _of(self, need: int) -> bytes:
        """A need's outputs, else its recipe; of a group all that its own needs contribute."""
        if need not in self._known:
            self._known[need] = self._of_group(need) if self._manifest.tasks[need].is_group else self._of_task(need)
        return self._known[need]

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

        # By name, so that neither the nesting nor a task without outputs makes two different groups look alike.
        parts = sorted((self._graph.names[leaf], self._of(leaf)) for leaf in self._leaves(group))
        return blake3(msgspec.msgpack.encode(parts)).digest()

    def _leaves(self, group: int) -> Iterable[int]:
        """The tasks that a group gathers. Groups may be nested as deep as a manifest is long: no recursion."""
        seen = {group}
        stack = [group]
        while stack:
            for inner in self._graph.needs[stack.pop()]:
                if inner in seen:
                    continue
                seen.add(inner)
                if self._manifest.tasks[inner].is_group:
                    stack.append(inner)
                else:
                    yield inner
