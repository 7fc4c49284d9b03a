"""The defect of a run in which nothing can happen any more, and that is not over.

Knows how it is told. Does not know how it could have come to that.
"""

from __future__ import annotations

from exarp.engine.machine import Machine
from exarp.errors import DefectError, Problem

# More stories than this in one message help nobody.
_STORIES = 10


def stuck(machine: Machine) -> DefectError:
    """What is to be raised, with the stories of the tasks that have no end."""
    stories = machine.unfinished_stories()
    more = [f"and {len(stories) - _STORIES} more"] if len(stories) > _STORIES else []
    message = f"nothing runs, nothing is due, and the run is not over: {'; '.join(stories[:_STORIES] + more)}"
    return DefectError(Problem("defect", message))
