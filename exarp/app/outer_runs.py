"""The runs that this process is a task of, told by its environment.

Knows how runs inside of runs are written down. Does not know what they hold.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from exarp.store.text import to_json

# In the environment of tasks: a JSON array of [workspace root, run, task], outermost first; the last task is in ``EXARP_TASK``.
OUTER = "EXARP_OUTER_RUNS"
_TASK = "EXARP_TASK"


def runs_around(root: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The runs of a workspace that this process is a part of, however deep, each with the task of it that it is in."""
    here = os.path.realpath(root)
    return {run: task for place, run, task in _outer(environ) if place == here}


def with_run(environ: Mapping[str, str], root: str, run: str) -> dict[str, str]:
    """The environment of the tasks of a run."""
    outer = [*_outer(environ), (os.path.realpath(root), run, "")]
    return {**environ, OUTER: to_json(outer).decode()}


def _outer(environ: Mapping[str, str]) -> list[tuple[str, str, str]]:
    said = environ.get(OUTER)
    if said is None:
        return []
    import json

    try:
        found = [(str(root), str(run), str(task)) for root, run, task in json.loads(said)]
    except (ValueError, TypeError):
        return []
    return [*found[:-1], (*found[-1][:2], environ.get(_TASK, ""))] if found else []
