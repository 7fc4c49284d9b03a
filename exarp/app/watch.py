"""The use case ``watch``: run, and run again whenever something has changed that the run rests on.

Knows when a change ends a run and when another begins. What matters of a change, ``watching.files`` knows. Prints nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Protocol

import msgspec

from exarp.app.freshness.memory import selection
from exarp.app.holding import HeldError
from exarp.app.opening.project import Project
from exarp.app.run import RunRequest, Voice, faults_of, run
from exarp.app.selection.affected import found_read
from exarp.app.watching.files import News, Watched
from exarp.app.watching.neighbours import Board
from exarp.app.watching.standing import Listener, Standing
from exarp.app.wiring import Idling
from exarp.errors import DefectError, ExarpError
from exarp.workspace.notices import Notices

# How often it is looked whether something has changed, in seconds.
_LOOK_EVERY = 0.1


class Round(msgspec.Struct, frozen=True):
    """What is run, and how it speaks."""

    project: Project
    request: RunRequest
    voice: Voice


class Watcher(Listener, Protocol):
    """Who is told how watching goes."""

    def changed(self, news: News, shown: Callable[[str], str], names: tuple[str, ...]) -> None:
        """Something has changed, and a run begins; ``names``: of the tasks."""

    def waits(self, files: int) -> None:
        """Nothing runs; so many files are watched beside those of the manifest."""

    def is_broken(self, error: ExarpError) -> None:
        """As things are, nothing can be run; what was watched is watched on."""


def watch(opened: Callable[[], Round], environ: Mapping[str, str], watcher: Watcher) -> int:
    """Watch until a signal ends it; the exit code. ``opened`` reads the manifest anew.

    Raises what ``opened`` raises the first time, and UsageError where the system cannot watch.
    """
    now = opened()
    standing = Standing(watcher, Board(now.project.root))
    note = now.voice.note
    try:
        return _rounds(now, opened, environ, watcher, standing)
    finally:
        for warning in faults_of(*standing.close()):
            note(f"warning: {warning}")


def _rounds(
    now: Round, opened: Callable[[], Round], environ: Mapping[str, str], watcher: Watcher, standing: Standing
) -> int:
    told = dict[str, bytes]()
    while True:
        with _Lookout(now, told) as lookout:
            status = _run(now, environ, lookout, watcher, standing)
            if status > 128 or standing.interrupted_by is not None:
                return status if standing.interrupted_by is None else 128 + standing.interrupted_by
            is_told = False
            while True:
                signum = lookout.wait(watcher, standing, is_told)
                if signum is not None:
                    return 128 + signum
                watcher.changed(lookout.news, lookout.watched.shown, now.project.graph.names)
                try:
                    now = opened()
                    break
                except DefectError:
                    raise
                except ExarpError as error:
                    watcher.is_broken(error)
                    lookout.news, is_told = News({}), True


def _run(now: Round, environ: Mapping[str, str], lookout: _Lookout, watcher: Watcher, standing: Standing) -> int:
    try:
        if standing and (signum := standing.end_all_but(_services(now))) is not None:
            return 128 + signum
        while True:
            # While it waits for another run, what stands is looked after.
            request = msgspec.structs.replace(now.request, wait=not standing)
            try:
                return run(now.project, request, environ, now.voice, onlooker=lookout, standing=standing)
            except HeldError as error:
                if not standing:
                    raise
                held = error
            if (signum := _wait_for_another(now, standing, held)) is not None:
                return 128 + signum
    except DefectError:
        raise
    except ExarpError as error:
        watcher.is_broken(error)
        return int(error.exit_code)


def _services(now: Round) -> set[str]:
    """The services among the selected tasks."""
    graph, tasks = now.project.graph, now.project.manifest.tasks
    names = selection(now.project, now.request.chosen).names
    return {name for name in names if tasks[graph.ids[name]].service is not None}


def _wait_for_another(now: Round, standing: Standing, held: HeldError) -> int | None:
    """Until who has what is wanted is no longer at work; the number of a signal that came meanwhile."""
    now.voice.note(held.waiting)
    with standing.idling() as pause:
        while (signum := pause(_LOOK_EVERY)) is None and held.is_there():
            pass
    return signum


class _Lookout:
    """Sees changes during one round and after it, without a gap: it looks from before the run on. An ``Onlooker``.

    ``news``: what makes another round necessary, once there is anything.
    """

    def __init__(self, now: Round, told: dict[str, bytes]) -> None:
        self._now = now
        self._told = told
        self.news = News({})
        self.watched = self._look()
        with Idling():
            # Who is told by the system would take a signal for its own end.
            self._notices = Notices(self.watched.folders)
        self._noticing = self.watched.folders
        self._looked_at = monotonic()
        # The manifest was read before anybody looked.
        self._missed = self.watched.shaped_otherwise()

    def __enter__(self) -> _Lookout:
        return self

    def __exit__(self, *_: object) -> None:
        self._notices.close()

    def outdated(self, has_begun: Callable[[int], bool]) -> str | None:
        """While the run goes on: a change of what a task has read by now. Who has not begun reads it as it is then."""
        now = monotonic()
        if now - self._looked_at < _LOOK_EVERY:
            return None
        self._looked_at = now
        paths, self._missed = self._notices.take() | self._missed, set()
        news = self.watched.news(paths, has_begun)
        late = {path: tasks for path, tasks in news.files.items() if any(map(has_begun, tasks))}
        self.news = News(late, news.manifest)
        return self.watched.shown(news.manifest or next(iter(late))) if self.news else None

    def wait(self, watcher: Watcher, standing: Standing, is_told: bool) -> int | None:
        """When the run is over: wait for news; the number of a signal that ends this instead. ``is_told``: whoever is told
        knows that it is waited."""
        with standing.idling() as pause:
            if not self.news:
                # The last that tasks wrote is told a moment later.
                self._take_in(has_run=True)
                self._look_anew()
            if not self.news and not is_told:
                watcher.waits(self.watched.count)
            while not self.news:
                if (signum := pause(_LOOK_EVERY)) is not None:
                    return signum
                self._take_in(has_run=False)
            return pause(0.0)

    def _take_in(self, has_run: bool) -> None:
        paths, self._missed = self._notices.take_all() | self._missed, set()
        if paths:
            self.news = self.watched.news(paths, (lambda task: True) if has_run else None)
        if not self.news and self.watched.folders != self._noticing:
            self._notice_elsewhere()

    def _look_anew(self) -> None:
        """Depfiles say by now what tasks have read."""
        if any(task.depfile for task in self._now.project.manifest.tasks) and not self.news:
            self.watched = self._look()
            self._notice_elsewhere()

    def _notice_elsewhere(self) -> None:
        """There are other folders to watch; what has changed in them meanwhile is not told, so it is looked at."""
        while not self.news and self.watched.folders != self._noticing:
            before, self._noticing = self._notices, self.watched.folders
            self._notices = Notices(self._noticing)
            paths = before.take_all() | self._noticing
            before.close()
            self.news = self.watched.news(paths)

    def _look(self) -> Watched:
        project, request = self._now.project, self._now.request
        names = selection(project, request.chosen).names
        return Watched(project, (project.graph.ids[name] for name in names), found_read(project), self._told)
