"""exarp is killed over and over while it builds, and goes on each time: what must hold then is looked at after every kill.

Knows what must hold: no success is recorded that did not happen, none that was recorded happens again, the tree is in the
end as if nobody had killed anything, and nobody is left running. Like ``shared_store.py`` it judges. See README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from contender import Missing, find_exarp
from kill_moments import LIMIT, OPENING, Call, End, Moment, moments, to_its_end, while_an_agent_works
from kill_work import Entry, Work, Workspace

# What all processes of a call have in their environment: who outlives it is known by it.
MARK = "KILLS_CALL"
# So many states of the sources; the tree of each is made once, undisturbed.
VARIANTS = 3
JOBS = "-j4"
# A build that was killed as often is left to come to its end.
KILLS_A_BUILD = 6
DONE = ("passed", "restored", "up_to_date")


@dataclass
class Tally:
    """What happened. ``hits``: kills of a living exarp, by scenario and moment; ``torn``: those that left a commit half written.
    ``wrong``: what must not be."""

    builds: int = 0
    calls: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    torn: int = 0
    committed: int = 0
    executed: int = 0
    again: int = 0
    # Processes that were there after a kill, those of earlier kills among them.
    orphans: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Scenario:
    """What is built from which state. ``settings``: tables that the manifest begins with, for what is not in every build."""

    name: str
    prepare: Callable[[Workspace], None]
    # Whether artifacts are kept and put back.
    cache: bool = False
    # Whether each task is to be executed, and not only made anew.
    executes: bool = True
    settings: str = ""
    # Moments that it has beside those that all have, by name.
    moments: tuple[tuple[str, Moment], ...] = ()


def _from_nothing(workspace: Workspace) -> None:
    workspace.remove_outputs()
    workspace.remove_state()


def _from_what_is_there(workspace: Workspace) -> None:
    """Sources have changed, and all that was made of others is still there."""


SCENARIOS = (
    Scenario("first build", _from_nothing),
    Scenario("sources changed", _from_what_is_there),
    Scenario(
        "with an agent",
        _from_nothing,
        settings='[recovery]\nrun = "sh ../agent.sh"\n',
        moments=(("while the agent works", while_an_agent_works),),
    ),
    Scenario("restoring", _from_nothing, cache=True, executes=False),
    Scenario("restoring, sources changed", Workspace.remove_outputs, cache=True, executes=False),
)


class Build:
    """One build from its beginning, through all kills, to its end."""

    def __init__(self, killing: Killing, scenario: Scenario, variant: int) -> None:
        self.killing, self.tally, self.workspace = killing, killing.tally, killing.workspace
        self.scenario = scenario
        self.reference = killing.references[variant]
        # The last run of another build, and that of this one which is gone on with.
        self.before = killing.last_run()
        self.run = ""
        # Tasks whose success is recorded; those that declare nothing only count while a run is gone on with.
        self.committed: set[str] = set()
        self.names: set[str] = set()
        self.seen = self.workspace.executed()[1]
        self.kills = 0

    def go(self, chance: Random, more: Callable[[], bool]) -> None:
        """Kill it, and let it go on, until it has come to its end."""
        while more() and self.kills < KILLS_A_BUILD:
            # What a scenario has for itself comes as often as all else.
            found = self.scenario.moments if self.scenario.moments and chance.random() < 0.5 else ()
            name, moment = chance.choice(list(found or self.killing.moments.items()))
            if not self._step(chance, name, moment):
                break
        else:
            self._step(chance, "left alone", None)
        self._ended()

    def _step(self, chance: Random, name: str, moment: Moment | None) -> bool:
        """One call; whether it was killed."""
        resumes = bool(self.run) and chance.random() < 0.75
        if not resumes:
            self.committed -= self.workspace.work.always
        call = self.killing.call(
            self._words(resumes), self.workspace.work.tasks - len(self.committed), self.scenario.cache
        )
        left = self.killing.processes()
        end = moment(call, chance) if moment is not None else to_its_end(call)
        self.tally.calls += 1
        self._look(f"{self.scenario.name}, {name}, call {self.tally.calls}")
        if not end.killed:
            self.tally.missed += moment is not None
            self._came_to_its_end(call, end, bool(left))
            return False
        self.kills += 1
        self.tally.hits[f"{self.scenario.name}: {name}"] += 1
        self.tally.torn += _is_torn(self.workspace.root / ".exarp" / "store.db-wal")
        self.tally.orphans += len(self.killing.processes())
        return True

    def _words(self, resumes: bool) -> list[str]:
        return ["resume"] if resumes else ["run", "--all", JOBS]

    def _look(self, when: str) -> None:
        """What was executed, what is recorded, and whether that is so."""
        executed, self.seen = self.workspace.executed(self.seen)
        self.tally.executed += len(executed)
        self.tally.again += sum(name in self.names for name in executed)
        self._wrong(when, "was executed although its success was recorded", self.committed.intersection(executed))
        self.names.update(executed)
        run, events = self.killing.events()
        if run == self.before or not run:
            return
        if run != self.run:
            self.run = run
        done = {event["task"] for event in events if event["type"] == "task_finished" and event["outcome"] in DONE}
        ran = {event["task"] for event in events if event["type"] == "task_finished" and event["outcome"] == "passed"}
        self._wrong(when, "is recorded as passed, and was never executed", ran - self.names)
        self.tally.committed += len(done - self.committed)
        self.committed |= done
        self._wrong(
            when, "is not as its recorded success made it", self.workspace.wrong(self.reference, self.committed)
        )

    def _came_to_its_end(self, call: Call, end: End, had_orphans: bool) -> None:
        where = f"{self.scenario.name}, call {self.tally.calls}"
        if end.code != 0 or "Traceback" in end.said:
            self.tally.wrong.append(f"{where}: {' '.join(call.argv[1:])} exits {end.code}: {end.said[-1000:]}")
        if had_orphans and "left" not in end.said:
            self.tally.wrong.append(f"{where}: orphans were there, and nothing is said of them")
        for pid, said in self.killing.processes().items():
            self.tally.wrong.append(f"{where}: {said} is left running")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _ended(self) -> None:
        """Compare with an undisturbed build, and see that nothing is left to do."""
        where = f"{self.scenario.name}, build {self.tally.builds}"
        tree = self.workspace.tree()
        paths = {path for path in tree.keys() | self.reference.keys() if tree.get(path) != self.reference.get(path)}
        self._wrong(where, "is not as in an undisturbed build", paths)
        if self.scenario.executes:
            self._wrong(where, "was not executed", set(self.workspace.work.names) - self.names)
        self._wrong(where, "has no recorded success", set(self.workspace.work.names) - self.committed)
        call = self.killing.call(self._words(resumes=False), 0, self.scenario.cache)
        self._came_to_its_end(call, to_its_end(call), had_orphans=False)
        executed, self.seen = self.workspace.executed(self.seen)
        self._wrong(where, "was executed again", set(executed) - self.workspace.work.always)
        self._wrong(where, "was set aside", [path.name for path in self.workspace.root.glob(".exarp/*damaged*")])
        self.tally.builds += 1

    def _wrong(self, when: str, what: str, which: Iterable[str]) -> None:
        self.tally.wrong += [f"{when}: {each} {what}" for each in sorted(which)]


class Killing:
    """All builds in ``base``, and what they are held against."""

    def __init__(self, base: Path, exarp: str, work: Work, seed: str) -> None:
        self.tally = Tally()
        self.moments = moments()
        self.seed = seed
        self._exarp = exarp
        self._store = str(base / "store")
        self._mark = f"{os.getpid()}-{time.time_ns():x}"
        # Seconds that an undisturbed build takes, and one that restores all.
        self.usual = {True: 1.0, False: 1.0}
        self.references: list[dict[str, Entry]] = []
        self.workspace = Workspace(base, "undisturbed", work)
        for variant in range(VARIANTS):
            self.workspace.write_sources(variant)
            # What it keeps is what the killed ones restore.
            self.usual[False] = self._undisturbed()
            self.references.append(self.workspace.tree())
        _from_nothing(self.workspace)
        self.usual[True] = self._undisturbed()
        self.workspace = Workspace(base, "killed", work)

    def _undisturbed(self) -> float:
        """A build that nobody kills; seconds that it took."""
        begun = time.monotonic()
        end = to_its_end(self.call(["run", "--all", JOBS], self.workspace.work.tasks, cache=True))
        if end.code:
            raise Missing(f"an undisturbed build exits {end.code}: {end.said[-2000:]}")
        return time.monotonic() - begun

    def go(self, kills: int) -> None:
        """Until so many kills have hit."""
        chance = Random(self.seed)
        number = 0
        while sum(self.tally.hits.values()) < kills:
            scenario = SCENARIOS[number % len(SCENARIOS)]
            number += 1
            scenario.prepare(self.workspace)
            self.workspace.write_manifest(scenario.settings)
            # Never that of the build before.
            variant = number % VARIANTS
            self.workspace.write_sources(variant)
            Build(self, scenario, variant).go(chance, lambda: sum(self.tally.hits.values()) < kills)
            hits = sum(self.tally.hits.values())
            print(f"{hits} of {kills} kills hit, {len(self.tally.wrong)} things wrong", file=sys.stderr, flush=True)

    def call(self, words: list[str], tasks: int, cache: bool) -> Call:
        """exarp with these words, of which ``tasks`` are still to be done."""
        variables = self.workspace.variables
        variables |= {MARK: self._mark, "EXARP_CACHE": self._store if cache else "off"}
        # Opening counts in what was measured; what is done already is looked at again.
        share = tasks / self.workspace.work.tasks
        seconds = OPENING + share * (self.usual[cache] - OPENING)
        return Call([self._exarp, *words], self.workspace.root, variables, seconds, tasks)

    def events(self) -> tuple[str, list[dict[str, str]]]:
        """The last run, and what is stored of it; nothing where there is none."""
        text = self._asked("events")
        events = [json.loads(line) for line in text.splitlines()]
        return (events[0]["run"] if events else ""), events

    def last_run(self) -> str:
        """The id of the last run; empty where there is none."""
        return self.events()[0]

    def _asked(self, *words: str) -> str:
        call = self.call([*words], 0, cache=False)
        done = subprocess.run(
            call.argv, cwd=call.folder, env=call.variables, capture_output=True, text=True, timeout=LIMIT, check=False
        )
        # 2: there are no runs yet.
        if (
            done.returncode not in (0, 2)
            or "Traceback" in done.stderr
            or (done.returncode and "no-run" not in done.stderr)
        ):
            self.tally.wrong.append(f"exarp {' '.join(words)} exits {done.returncode}: {done.stderr[-1000:]}")
            return ""
        return done.stdout if not done.returncode else ""

    def processes(self) -> dict[int, str]:
        """Who is there of all calls, by process id, with its command line. Who has ended, and was not waited for, is not."""
        found = {}
        mark = f"{MARK}={self._mark}".encode()
        for pid in [int(name) for name in os.listdir("/proc") if name.isdecimal()]:
            with contextlib.suppress(OSError):
                if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                    found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return found

    def end_everybody(self) -> None:
        """Whatever happened, nobody is left."""
        while left := self.processes():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _is_torn(log: Path) -> bool:
    """Whether the database's log ends with frames that no commit ends, or in the midst of one.

    A frame is a head of 24 bytes and a page; that of a commit names the size of the database (https://sqlite.org/fileformat2.html#walformat).
    What an earlier pass over the log left behind its end has other salts.
    """
    try:
        data = log.read_bytes()
    except FileNotFoundError:
        return False
    if len(data) < 32:
        return bool(data)
    size, salts = int.from_bytes(data[8:12], "big") + 24, data[16:24]
    ends_with_commit = True
    for at in range(32, len(data), size):
        if len(data) - at < size:
            return True
        if data[at + 8 : at + 16] != salts:
            break
        ends_with_commit = data[at + 4 : at + 8] != bytes(4)
    return not ends_with_commit


def document(killing: Killing, seconds: float) -> dict[str, object]:
    """All figures."""
    tally = killing.tally
    hits = {"kills": sum(tally.hits.values()), "hits": dict(sorted(tally.hits.items()))}
    return {"version": 1, "seed": killing.seed, "seconds": round(seconds, 1), **vars(tally), **hits}


def lines(killing: Killing, seconds: float) -> Iterable[str]:
    """The same for people."""
    tally = killing.tally
    yield f"{sum(tally.hits.values())} kills hit in {tally.builds} builds, {seconds:.0f} s (seed {killing.seed})"
    for name, hits in sorted(tally.hits.items()):
        yield f"  {hits:4} {name}"
    yield f"{tally.calls} calls of exarp; {tally.missed} had come to their end before they could be killed"
    yield f"{tally.torn} kills left a commit half written, and {tally.orphans} processes running in all"
    yield f"{tally.committed} successes recorded; {tally.executed} executions, {tally.again} of which were not the first"
    yield from tally.wrong
    yield f"wrong: {len(tally.wrong)}"


def arguments() -> argparse.Namespace:
    """What the caller wants."""
    parser = argparse.ArgumentParser(
        description="Kill exarp while it builds, let it go on, and look whether all is right."
    )
    parser.add_argument("--kills", type=int, default=200, metavar="N", help="that hit; default: %(default)s")
    parser.add_argument("--tasks", type=int, default=300, metavar="N", help="of the build; default: %(default)s")
    parser.add_argument("--seed", default="1", help="what is drawn; default: %(default)s")
    parser.add_argument("--keep", metavar="FOLDER", help="leave the workspaces there (it must not be there yet)")
    parser.add_argument("--exarp", metavar="PATH", help="default: beside this interpreter, else on PATH")
    parser.add_argument("--json", action="store_true", help="print one document")
    return parser.parse_args()


def main() -> int:
    """0 if nothing was wrong, else 1."""
    given = arguments()
    with contextlib.ExitStack() as stack:
        base = Path(given.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="exarp-kills-")))
        try:
            if not os.path.isdir("/proc/self"):
                raise Missing("what a killed exarp leaves is found in /proc: this needs Linux")
            begun = time.monotonic()
            killing = Killing(base, find_exarp(given.exarp), Work(given.tasks), given.seed)
        except Missing as fault:
            print(fault, file=sys.stderr)
            return 1
        stack.callback(killing.end_everybody)
        killing.go(given.kills)
        seconds = time.monotonic() - begun
        print(json.dumps(document(killing, seconds), indent=1) if given.json else "\n".join(lines(killing, seconds)))
    return int(bool(killing.tally.wrong))


if __name__ == "__main__":
    sys.exit(main())
