"""How many tasks came to which end.

Knows which ends there are, as a person counts them. Does not word them (``words``) and does not know the tasks.
"""

from __future__ import annotations

import msgspec

from exarp.model.event import UNWANTED, TaskFinished


class Tally(msgspec.Struct):
    """Counts of tasks. ``groups`` passed without running anything; ``allowed`` failed and may; ``unwanted`` were skipped
    because nobody wanted them here and now."""

    ran: int = 0
    restored: int = 0
    up_to_date: int = 0
    groups: int = 0
    failed: int = 0
    allowed: int = 0
    skipped: int = 0
    unwanted: int = 0
    blocked: int = 0
    cancelled: int = 0

    @property
    def passed(self) -> int:
        """Passed as announcements count it: ran well, restored, up to date, or a group."""
        return self.ran + self.restored + self.up_to_date + self.groups

    @property
    def done(self) -> int:
        """All tasks that have reached their last state."""
        return self.passed + self.failed + self.allowed + self.skipped + self.unwanted + self.blocked + self.cancelled

    @property
    def happened(self) -> bool:
        """Whether anything but finding tasks up to date happened."""
        idle = self.up_to_date + self.groups
        return self.done > idle + self.unwanted or (not idle and self.unwanted > 0)

    def count(self, event: TaskFinished) -> None:
        """Adds one task's end."""
        match event.outcome:
            case "passed" if event.attempt > 0:
                self.ran += 1
            case "passed":
                self.groups += 1
            case "restored":
                self.restored += 1
            case "up_to_date":
                self.up_to_date += 1
            case "failed" if event.allowed:
                self.allowed += 1
            case "failed":
                self.failed += 1
            case "skipped" if is_unwanted(event):
                self.unwanted += 1
            case "skipped":
                self.skipped += 1
            case "blocked":
                self.blocked += 1
            case "cancelled":
                self.cancelled += 1


def is_failure(event: TaskFinished) -> bool:
    """Whether a task failed in a way that fails the run, also before it could start; one that was skipped did, too,
    unless it was not wanted."""
    return not event.allowed and event.outcome in ("failed", "skipped") and not is_unwanted(event)


def is_declined(event: TaskFinished) -> bool:
    """Whether a person was asked, and said no."""
    return event.reason is not None and event.reason.code == "declined"


def is_unwanted(event: TaskFinished) -> bool:
    """Whether a task was skipped because the manifest does not want it here and now."""
    return event.outcome == "skipped" and event.reason is not None and event.reason.code in UNWANTED


def is_verification(name: str) -> bool:
    """Whether what logs and questions are named by is no task: no task's name has white space."""
    return " " in name
