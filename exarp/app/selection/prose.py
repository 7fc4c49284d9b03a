"""Tasks that are told in words.

Knows that exarp has nothing to run for them, and nothing that it could take as done.
"""

from __future__ import annotations

from exarp.errors import Problem, UsageError
from exarp.model.call import Call
from exarp.model.manifest import Manifest


def refuse_prose(manifest: Manifest, call: Call) -> None:
    """Raises UsageError for a manifest whose tasks are told in words."""
    if manifest.prose:
        message = f"{manifest.file} holds tasks that are told in words: there is no command to run"
        step = f"let a person or an agent carry them out, in this order: {call.of('plan')}"
        raise UsageError(Problem("prose", message, None, step))
