"""What a task without a command cannot say: it gathers others, and runs nothing itself.

Knows which keys of a task are about its command. Does not know whether what the task gathers exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from exarp.manifests.document import TaskDocument
from exarp.manifests.tasks.fields import Fields

if TYPE_CHECKING:
    from exarp.manifests.problems.positions import KeyPath

_FILES = ("inputs", "outputs", "modifies", "tools", "depfile")
_CONDITIONS = ("when", "platforms", "requires", "confirm", "finally", "service")
# How a command is run; without one they do nothing.
_OF_COMMANDS = (
    "env", "track_env", "dotenv", "cwd", "shell", "priority", "mutex", "resources", "retries", "retry_delay", "no_retry_on",
    "agent", "verify", "timeout", "on_failure", "allow_failure", "interactive", "daemon", "keep_outputs",
)  # fmt: skip
_PLAIN = TaskDocument()


def check_group(fields: Fields, written: TaskDocument, at: KeyPath) -> None:
    """Tell of what ``written``, a task without a command, says of one."""
    for field in _FILES:
        value = getattr(written, field)
        if value is UNSET or not value:
            continue
        message = f"task {at[1]!r} runs nothing, so it has no {field}"
        step = "give it run or argv; a task that only gathers others has needs"
        fields.add("group-with-files", message, (*at, field), step, on_key=True)
    for field in _CONDITIONS:
        value = getattr(written, "cleanup" if field == "finally" else field)
        if value is not UNSET and value:
            message = f"task {at[1]!r} runs nothing, so it has no {field}"
            step = f"give {field} to the tasks that it needs"
            fields.add("group-with-conditions", message, (*at, field), step, on_key=True)
    for field in _OF_COMMANDS:
        if getattr(written, field) != getattr(_PLAIN, field):
            message = f"task {at[1]!r} runs nothing, so its {field} would do nothing"
            step = f"give {field} to the tasks that it needs, or give it run or argv"
            fields.add("group-with-idle-keys", message, (*at, field), step, on_key=True)


def without_idle(keys: Mapping[str, Any], own: Mapping[str, Any] = {}) -> dict[str, Any]:
    """The ``keys`` of a task; of one without a command without those that do nothing then, but for its ``own``."""
    if "prompt" in keys:
        return dict(keys)
    if "run" in keys or "argv" in keys:
        return {key: value for key, value in keys.items() if key != "agent" or key in own}
    return {key: value for key, value in keys.items() if key not in _OF_COMMANDS or key in own}
