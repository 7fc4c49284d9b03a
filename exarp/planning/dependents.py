"""What depends on a task of a plan, or on one of its guards.

Knows needs, and waves that wait for each other. Does not know states.
"""

from __future__ import annotations

from exarp.model.plan import Plan


def dependents(plan: Plan, task: int) -> list[int]:
    """All selected tasks that need ``task``, directly or not, in manifest order; of a guard all that are in waves behind it, and
    all that need those."""
    users: dict[int, list[int]] = {}
    for wave in plan.real_waves:
        for user in wave.tasks:
            for need in plan.needs[user]:
                users.setdefault(need, []).append(user)
    stack = [task] if task < plan.first_guard else _behind(plan, task)
    found = set(stack) - {task}
    while stack:
        new = [user for user in users.get(stack.pop(), ()) if user not in found]
        found.update(new)
        stack += new
    return sorted(found, key=lambda user: plan.position[user])


def _behind(plan: Plan, guard: int) -> list[int]:
    """What waits for a guard, through other guards, too."""
    followers: dict[int, list[int]] = {}
    for wave in plan.waves:
        for earlier in wave.after:
            followers.setdefault(earlier, []).append(wave.number)
    stack = [wave.number for wave in plan.waves if wave.guard is not None and guard in wave.tasks]
    seen = set(stack)
    members = [guard]
    while stack:
        new = [number for number in followers.get(stack.pop(), ()) if number not in seen]
        seen.update(new)
        stack += new
        members += [task for number in new for task in plan.waves[number - 1].tasks]
    guards = {task for task in members if task >= plan.first_guard}
    members += [later for earlier, later in plan.order if earlier in guards]
    return [task for task in members if task < plan.first_guard]
