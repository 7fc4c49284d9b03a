"""Many tasks of matrices in few words.

Knows when the name of a matrix says all. Does not know where the names are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence


class MatrixNames:
    """The matrices of a manifest (``instances``: by name those of their tasks)."""

    def __init__(self, instances: Mapping[str, Sequence[str]]) -> None:
        self._instances = instances
        self._matrix_of = {task: name for name, tasks in instances.items() for task in tasks}

    def grouped(self, names: Sequence[str]) -> dict[str, int]:
        """``names``, but where all tasks of a matrix are among them, its own name in the place of the first of them.

        Of each name for how many it stands.
        """
        if not self._instances:
            return dict.fromkeys(names, 1)
        counts = Counter(self._matrix_of[name] for name in names if name in self._matrix_of)
        whole = {name for name, count in counts.items() if 1 < count == len(self._instances[name])}
        shown: Counter[str] = Counter()
        for name in names:
            matrix = self._matrix_of.get(name)
            shown[matrix if matrix is not None and matrix in whole else name] += 1
        return dict(shown)
