"""The use case ``export todo2``: what exarp's runs brought about, written back into a task state.

Knows which statuses follow from records and a run that is going on. Only tasks of the backlog are changed, and only forwards:
what a person has put elsewhere stays there.
"""

from __future__ import annotations

import os
import sqlite3

import msgspec

from exarp.app.freshness.memory import Selection, recall
from exarp.app.freshness.records import decoded
from exarp.app.history import events_of, running_and_last
from exarp.app.opening.project import Project
from exarp.errors import ManifestError, Problem, UsageError
from exarp.manifests.discover import shown_from
from exarp.manifests.file import read_bytes, replace_bytes
from exarp.manifests.plans.backlog import Item
from exarp.manifests.plans.files import TODO2_JSON, kind_of, plans_in
from exarp.manifests.plans.reading import Names
from exarp.manifests.plans.statuses import is_running, standing
from exarp.manifests.plans.todo2 import items_of_json
from exarp.model.event import TaskFinished, TaskStarted

_DONE, _RUNNING = "Done", "In Progress"


class Change(msgspec.Struct, frozen=True):
    """A task's status, by its identifier in the state."""

    task: str
    before: str
    after: str


class Exported(msgspec.Struct, frozen=True):
    """What was, or would be, changed in the state ``file`` (as messages name it)."""

    file: str
    changes: tuple[Change, ...]


def export_todo2(project: Project, directory: str, to: str | None, dry_run: bool) -> Exported:
    """Write statuses into the state at ``to`` (a file or folder, seen from ``directory``; None: that of the workspace).

    Raises UsageError where there is none, where it was changed meanwhile or cannot be written; ManifestError where it cannot be
    read.
    """
    path = _state(project.root if to is None else os.path.join(directory, to), directory)
    shown = shown_from(path, directory)
    data = b"" if path.endswith(".db") else read_bytes(path, shown)
    changes = tuple(_changes(project, _items(path, shown, data)))
    if changes and not dry_run:
        _write(path, shown, data, changes)
    return Exported(shown, changes)


def _state(path: str, directory: str) -> str:
    if os.path.isdir(path):
        found = plans_in(path)
        if found is not None and found[0] == "todo2":
            return found[1][0].path
    elif os.path.isfile(path) and kind_of(os.path.basename(path)) == "todo2":
        return path
    message = f"{shown_from(path, directory)} holds no state of todo2"
    step = f"name one with --to: a todo2.db, a state{TODO2_JSON}, or the folder of one"
    raise UsageError(Problem("no-state", message, None, step))


def _items(path: str, shown: str, data: bytes) -> list[Item]:
    if path.endswith(".db"):
        from exarp.manifests.plans.todo2_database import items_of_database

        return items_of_database(path, shown)
    return items_of_json(data, shown, "")[0]


def _changes(project: Project, items: list[Item]) -> list[Change]:
    passed, running = _passed(project), _running(project.root)
    names = Names()
    seen: set[str] = set()
    found = []
    for item in items:
        if not item.identifier or item.identifier in seen:
            continue
        seen.add(item.identifier)
        name = names.take(item.identifier)
        after = _RUNNING if name in running else _DONE if name in passed else ""
        if after and standing(item.status) == "open" and not (after == _RUNNING and is_running(item.status)):
            found.append(Change(item.identifier, item.status, after))
    return found


def _passed(project: Project) -> set[str]:
    """Tasks of the manifest with a success that nothing speaks against since."""
    records = recall(project.root, Selection(frozenset(project.graph.names), most=True, whole=True)).records
    names = project.graph.ids
    found = set()
    for name, stored in records.items():
        record = decoded(stored) if isinstance(stored, bytes) else stored
        if name in names and record is not None and not record.doubt:
            found.add(name)
    return found


def _running(root: str) -> set[str]:
    """Tasks that the runs which go on have started and not finished."""
    going_on = [run.id for run in running_and_last(root) if run.outcome == "running"]
    found: set[str] = set()
    for event in (event for run in going_on for event in events_of(root, run)):
        if isinstance(event, TaskStarted):
            found.add(event.task)
        elif isinstance(event, TaskFinished):
            found.discard(event.task)
    return found


def _write(path: str, shown: str, data: bytes, changes: tuple[Change, ...]) -> None:
    from exarp.manifests.plans.todo2_writing import update_database, with_statuses

    after = {change.task: change.after for change in changes}
    try:
        if path.endswith(".db"):
            written = update_database(path, after, {change.task: change.before for change in changes})
        else:
            bare = data.removeprefix(b"\xef\xbb\xbf")
            text = with_statuses(bare.decode("utf-8"), shown, after)
            written = replace_bytes(path, data, data[: len(data) - len(bare)] + text.encode())
    except UnicodeDecodeError:
        message = f"{shown} is not UTF-8: writing it would lose what cannot be read"
        raise ManifestError(Problem("not-utf8", message, None, "save the file as UTF-8")) from None
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(
            Problem("unwritable", f"{shown} cannot be written: {why}", None, "free it, and try again")
        ) from None
    if not written:
        message = f"{shown} was changed meanwhile: nothing was written"
        raise UsageError(Problem("changed-meanwhile", message, None, "do it again"))
