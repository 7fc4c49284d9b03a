"""How many commands of a run fit into what this process may hold open.

Knows the limit on open files, and that agents give way first. Does not know what else limits a run.
"""

from __future__ import annotations

from collections.abc import Callable

from exarp.app.wiring import descriptor_room
from exarp.model.manifest import Manifest


def fitting(manifest: Manifest, jobs: int, note: Callable[[str], None]) -> tuple[int, int]:
    """As many of ``jobs``, and of agents beside them, as this process may hold open: one more would fail for no fault of its
    own. Fewer than wanted are told by ``note``."""
    agents = min(manifest.settings.max_agents, sum(bool(task.prompt) for task in manifest.tasks))
    room = descriptor_room()
    if room.attempts is None or jobs + agents <= room.attempts:
        return jobs, agents
    wanted, agents = jobs + agents, min(agents, max(1, room.attempts // 2))
    note(f"note: {room.attempts} commands at once, not {wanted}: only {room.limit} files may be open (ulimit -n)")
    return max(1, room.attempts - agents), agents
