"""All that can be said of one task before it runs.

Knows the shape only; ``app.show`` fills it, ``views.task_sheet`` words it.
"""

from __future__ import annotations

import msgspec

from exarp.model.task import Task


class Execution(msgspec.Struct, frozen=True):
    """What would be executed: argument vectors, one after the other until one fails, in the folder ``cwd`` (absolute).

    ``$in_file``, whose place only a run knows, stands in them as itself. ``env``: what is set beside the caller's variables;
    ``sources``: for each name who says so: ``env``, ``task``, ``vars``, ``dotenv``, ``files`` or ``exarp``. ``inherited``: those
    of the caller's variables that are passed on; None: all. ``fault``: why it could not be started, if so.
    """

    commands: tuple[tuple[str, ...], ...] = ()
    cwd: str = ""
    env: dict[str, str] = {}
    sources: dict[str, str] = {}
    inherited: tuple[str, ...] | None = None
    fault: str = ""


class DotenvFile(msgspec.Struct, frozen=True):
    """A dotenv file that a task uses, and whether it is there."""

    file: str
    there: bool


class TaskSheet(msgspec.Struct, frozen=True):
    """A task resolved. ``inputs``, ``outputs`` and ``depfile``: what ``$in``, ``$out`` and ``$depfile`` stand for, seen from
    the task's folder; ``missing``: an input that is not there and that nothing it needs makes, ``missing_at`` where it is
    written. ``matched``: outputs that are globs, which are not in ``$out``, seen from the task's folder too.

    ``variables``: those that its scripts name, and those that it tracks, with the values they would have; ``sources``: for those
    that are set who says so, as in ``Execution``, or ``caller``. ``dotenv``: later files win. ``folders``: what is made before it
    starts, ``emptied``: what is emptied, both relative to the workspace.
    """

    task: Task
    inputs: tuple[str, ...]
    missing: str
    outputs: tuple[str, ...]
    matched: tuple[str, ...]
    depfile: str
    needs: tuple[str, ...]
    after: tuple[str, ...]
    needed_by: tuple[str, ...]
    variables: dict[str, str]
    wave: str | None
    missing_at: str = ""
    execution: Execution = Execution()
    sources: dict[str, str] = {}
    dotenv: tuple[DotenvFile, ...] = ()
    folders: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
