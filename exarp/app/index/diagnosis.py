"""Whether a workspace has an index that is of use now, and if not, why not.

Knows how an index is looked at without a run, and what manifests have none. Changes nothing, and runs no command. Decides nothing
for a run either, which looks for itself (``exarp.glance``).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence

from exarp.app.index.makings import why_whole
from exarp.app.opening.examining import examine
from exarp.app.opening.project import Project
from exarp.app.opening.shape import stamp_of
from exarp.app.wiring import at_work
from exarp.errors import ExarpError
from exarp.index import NAME, UNKNOWN, Back, Front, IndexFile, environment_digest, maker
from exarp.manifests.variables.exported import LateVariables
from exarp.model.manifest import Manifest
from exarp.model.task import Task
from exarp.planning.recipe import named_variables
from exarp.store.state_folder import StateFolder

_NAMES = 3
_NEXT_RUN = "nothing has to be done: the next run makes another"


class NoManifest(Exception):
    """There is nothing that an index could be of."""


class Unusable(Exception):
    """An index that nobody reads; ``step``: what to do about it, empty where that is an everyday matter."""

    def __init__(self, message: str, step: str = "") -> None:
        super().__init__(message)
        self.step = step


def diagnosed(root: str, file: str | None, directory: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """What there is to say of the index of the workspace at ``root`` (absolute), and what to do about it, if it is not well;
    empty where there is no manifest.

    ``file``: the manifest that was named, for somebody in ``directory``; else it is the one of ``root``.
    """
    try:
        project = _project(root, file, directory, environ)
    except NoManifest:
        return "", ""
    try:
        front, back, has_makings = _read(f"{root}/.exarp/{NAME}")
        _compare(front.about, root, environ)
    except FileNotFoundError:
        return f"none{_why_none(root, project)}", ""
    except Unusable as fault:
        return str(fault), fault.step
    except (OSError, ValueError, LookupError, TypeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "it is damaged, or of another version"
        return f"{root}/.exarp/{NAME} cannot be used: {why}", _NEXT_RUN
    said = f"{len(back.states) - back.states.count(UNKNOWN)} of {len(back.states)} tasks are in it"
    unknown = {name for name, state in zip(back.names, back.states, strict=True) if state == UNKNOWN}
    if unknown and project is not None:
        said += f"; of the others {_reasons([task for task in project.manifest.tasks if task.name in unknown])}"
    if not has_makings:
        why = why_whole(project.manifest) if project is not None else ""
        said += f"; where something has changed, all are looked at{f': {why}' if why else ''}"
    return said, ""


def _project(root: str, file: str | None, directory: str, environ: Mapping[str, str]) -> Project | None:
    """The project as far as it can be read without running anything; None where it is at fault. Raises NoManifest."""
    try:
        project, problems = examine(directory if file else root, file, environ, commands=False)
    except ExarpError as error:
        if error.problems[0].slug == "no-manifest":
            raise NoManifest from None
        return None
    # Without what its commands print, more may be at fault than is.
    return None if problems and not _was_asked(project) else project


def _was_asked(project: Project) -> bool:
    """Whether a field wants to know what a command prints."""
    shape = project.shape
    return shape is not None and shape.outside is not None and shape.outside.was_asked


def _read(path: str) -> tuple[Front, Back, bool]:
    """Its parts; whether it has what part of a run is put together from. Raises OSError, ValueError, Unusable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise Unusable(f"{path} may be written by somebody else, and is not read", f"rm {path}")
        file = IndexFile(lambda length, at: os.pread(descriptor, length, at), status.st_size)
        return file.front(), file.back(), bool(file.makings())
    finally:
        os.close(descriptor)


def _compare(about: Mapping[str, object], root: str, environ: Mapping[str, str]) -> None:
    """Raises Unusable where what shaped an index is not as it was."""
    if about["maker"] != maker():
        raise Unusable("out of date: another exarp or Python made it; the next run makes another")
    if about["root"] != root:
        raise Unusable("out of date: the workspace was moved, or copied; the next run makes another")
    shape: Sequence[tuple[str, int, int, int, int]] = about["shape"]  # type: ignore[assignment]
    absent: Sequence[str] = about["absent"]  # type: ignore[assignment]
    changed = [path for path, *stamp in shape if stamp_of(path) != tuple(stamp)]
    changed += [path for path in absent if os.path.lexists(path)]
    if changed:
        shown = os.path.relpath(changed[0], root)
        raise Unusable(f"out of date: {shown} has changed; the next run makes another")
    seen: tuple[Sequence[str] | None, bytes, bytes] = about["environ"]  # type: ignore[assignment]
    names = seen[0]
    if (names is None or names) and environment_digest(names, environ, seen[2]) != seen[1]:
        which = "a variable that counts for tasks has another value"
        raise Unusable(f"of no use in this environment: {which}; the next run makes another")


def _why_none(root: str, project: Project | None) -> str:
    """Why there is no index, as what follows ``none``."""
    folder = StateFolder(root)
    if at_work(root):
        return " while a run goes on: one that was alone leaves one at its end"
    if project is None:
        return ": the manifest cannot be read, see `exarp check`"
    manifest = project.manifest
    if project.shape is None:
        return ": plans and task states are read anew each time"
    if project.named:
        return ": only the manifest that is found in its folder has one, and this one was named"
    if _was_asked(project):
        return ": fields use a variable that is a command, which every run asks again"
    if late := _late(manifest):
        return f": {_listed(late)} {'is a command' if len(late) == 1 else 'are commands'}, which every run asks again"
    if manifest.tasks and all(_why_never(task) for task in manifest.tasks):
        return f": of the tasks {_reasons(manifest.tasks)}"
    if not folder.has_database():
        return " yet: the first run leaves one"
    return " now: the last run was broken off, or something changed while it went on; the next one makes another"


def _late(manifest: Manifest) -> list[str]:
    """Variables that are commands, and that scripts name."""
    late = {name for each in (manifest.vars, *manifest.inner_vars.values()) for name in _late_of(each)}
    return sorted(late.intersection(name for task in manifest.tasks for name in named_variables(task.scripts)))


def _late_of(variables: Mapping[str, str]) -> set[str]:
    return set(variables) - variables.known().keys() if isinstance(variables, LateVariables) else set()


# Why a task is in no index, of one and of several.
_SERVICE = ("is a service", "are services")
_UNDECLARED = ("declares neither inputs nor outputs", "declare neither inputs nor outputs")
_CONDITION = ("has a condition", "have conditions")
_STALE = ("may have to run", "may have to run")


def _why_never(task: Task) -> tuple[str, str] | None:
    """Why a task is in no index, whatever happens; None where it may be."""
    if task.service is not None:
        return _SERVICE
    if task.when:
        return _CONDITION
    return _UNDECLARED if task.always_runs and not task.is_group else None


def _reasons(tasks: Sequence[Task]) -> str:
    """``2 declare neither inputs nor outputs, 1 has a condition``."""
    counted = Counter(_why_never(task) or _STALE for task in tasks)
    return ", ".join(f"{count} {words[count > 1]}" for words, count in counted.items())


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")
