"""Two checkouts share one artifact folder, one of them is killed over and over, and files of the folder are damaged.

Knows how often, and what is wrong then: an output that is not what its sources say. Unlike the other programs here it
judges. See README.md.
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
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from contender import Missing, find_exarp
from cost import environment
from shared_work import Sources

# What all processes of a run have in their environment: who outlives a killed exarp is known by it.
MARK = "SHARED_STORE_RUN"


@dataclass
class Tally:
    """What happened. ``wrong``: outputs that are not what they must be; ``failed``: what exarp itself said was wrong."""

    runs: int = 0
    kills: int = 0
    passed: int = 0
    restored: int = 0
    up_to_date: int = 0
    damages: int = 0
    collections: int = 0
    wrong: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class Checkout:
    """One of the two: its sources, and exarp run in it."""

    def __init__(self, base: Path, name: str, exarp: str, max_size: str) -> None:
        self.name = name
        self.sources = Sources(base / name, max_size)
        self.tally = Tally()
        # Seconds that a run took lately.
        self.usual = 1.0
        self._exarp = exarp
        self._store = str(base / "store")
        self._mark = ""
        self._calls = 0

    def start(self, *words: str) -> subprocess.Popen[str]:
        """exarp, with the shared store."""
        self._calls += 1
        self._mark = f"{os.getpid()}-{self.name}-{self._calls}"
        return subprocess.Popen(
            [self._exarp, *words],
            cwd=self.sources.root,
            env=environment() | {"EXARP_CACHE": self._store, MARK: self._mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def call(self, *words: str, good: tuple[int, ...] = (0,)) -> str:
        """exarp to its end; what it printed, an empty document where its exit code is not ``good``."""
        process = self.start(*words)
        out, err = process.communicate()
        if process.returncode not in good or "Traceback" in err:
            self.tally.failed.append(f"{self.name}: exarp {' '.join(words)} exits {process.returncode}: {err[-2000:]}")
            return "{}"
        return out

    def run(self, *options: str) -> dict[str, int]:
        """Bring all up to date, and look at what is there then; how many tasks came to what."""
        begun = time.monotonic()
        document = json.loads(self.call("run", "--all", "-j2", "--json", *options))
        self.usual = 0.7 * self.usual + 0.3 * (time.monotonic() - begun)
        counts = document.get("counts", {})
        tally = self.tally
        tally.runs += 1
        tally.passed += counts.get("passed", 0)
        tally.restored += counts.get("restored", 0)
        tally.up_to_date += counts.get("up_to_date", 0)
        if document:
            tally.wrong += [f"{self.name}: {each}" for each in self.sources.differences()]
        return dict(counts)

    def run_and_kill(self, chance: Random) -> None:
        """The same, but nobody waits for its end."""
        process = self.start("run", "--all", "-j2")
        try:
            process.communicate(timeout=chance.uniform(0.05, self.usual))
            return
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate(timeout=self._end_what_is_left())
        self.tally.kills += 1
        self.tally.wrong += [f"{self.name}, killed: {each}" for each in self.sources.broken()]

    def _end_what_is_left(self) -> float:
        """Kill the tasks of an exarp that was killed: they would go on writing. Seconds that its pipes may stay open then."""
        mark = f"{MARK}={self._mark}".encode()
        while left := [pid for pid in _processes() if mark in _environ(pid)]:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return 30


def _processes() -> Iterable[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _environ(pid: int) -> list[bytes]:
    # Whoever has ended, and was not waited for, has none.
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


class Vandal:
    """Somebody who changes files of the store, wherever they are."""

    def __init__(self, store: Path, chance: Random) -> None:
        self._store = store
        self._chance = chance
        self.damages = 0

    def files(self) -> list[Path]:
        """All that hold something."""
        found = [Path(folder, name) for folder, _, names in os.walk(self._store) for name in names]
        return sorted(path for path in found if path.name != "CACHEDIR.TAG")

    def damage_one(self) -> None:
        """Flip a bit of some file, cut its end off, or put something there."""
        files = self.files()
        if not files:
            return
        # Files come and go.
        with contextlib.suppress(FileNotFoundError), open(self._chance.choice(files), "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            how = self._chance.choice(["flip", "flip", "cut", "more"])
            if how == "more":
                file.write(b"?")
            elif size and how == "cut":
                file.truncate(self._chance.randrange(size))
            elif size:
                _flip(file.fileno(), self._chance.randrange(size))
            self.damages += 1

    def damage_all(self) -> None:
        """Leave no file, and no part of one, as it was."""
        for path in self.files():
            with open(path, "r+b") as file:
                for at in range(0, file.seek(0, os.SEEK_END), 48):
                    _flip(file.fileno(), at)


def _flip(descriptor: int, at: int) -> None:
    (byte,) = os.pread(descriptor, 1, at) or b"\0"
    os.pwrite(descriptor, bytes([byte ^ 0x10]), at)


class Soak:
    """Both checkouts in ``base``, and what is done to them."""

    def __init__(self, base: Path, exarp: str, seed: str, max_size: str) -> None:
        self.seed = seed
        self.steady = Checkout(base, "steady", exarp, max_size)
        self.killed = Checkout(base, "killed", exarp, max_size)
        self.keeper = Checkout(base, "keeper", exarp, max_size)
        self.vandal = Vandal(base / "store", self._chance("vandal"))
        self.verdicts: dict[str, dict[str, object]] = {}

    @property
    def everyone(self) -> tuple[Checkout, ...]:
        return (self.steady, self.killed, self.keeper)

    def _chance(self, name: str) -> Random:
        return Random(f"{self.seed} {name}")

    def go(self, seconds: float) -> None:
        """Half of the time nobody touches the store but exarp, then somebody does."""
        self._phase("kills", seconds / 2, with_damage=False)
        self.verify("after kills")
        found = self.verdicts["after kills"].get("damaged")
        if found:
            self.keeper.tally.failed.append(f"nobody damaged it, but there is damage in the store: {found}")
        self._phase("damage", seconds / 2, with_damage=True)
        self.verify("after damage")
        self.verify("and again")
        if self.verdicts["and again"].get("damaged"):
            self.keeper.tally.failed.append("`cache verify` has left damage")
        self._nothing_of_a_ruin()

    def _phase(self, name: str, seconds: float, with_damage: bool) -> None:
        end = time.monotonic() + seconds
        loops = [self._build, self._kill, self._tidy, *([self._damage] if with_damage else [])]
        errors: list[BaseException] = []

        def work(number: int) -> None:
            try:
                loops[number](self._chance(f"{name} {number}"), end)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(len(loops))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def _build(self, chance: Random, end: float) -> None:
        while time.monotonic() < end:
            self.steady.sources.change(chance)
            self.steady.run()

    def _kill(self, chance: Random, end: float) -> None:
        before = self.killed.tally.kills
        while time.monotonic() < end or self.killed.tally.kills == before:
            self.killed.sources.change(chance)
            for _ in range(chance.randrange(1, 7)):
                self.killed.run_and_kill(chance)
                if chance.random() < 0.5:
                    self.killed.sources.change(chance)
            self.killed.run(*(["--force"] if chance.random() < 0.1 else []))

    def _tidy(self, chance: Random, end: float) -> None:
        while time.monotonic() + 2 < end:
            time.sleep(chance.uniform(0.5, 1.5))
            self.keeper.call("cache", "gc", "--json")
            self.keeper.tally.collections += 1

    def _damage(self, chance: Random, end: float) -> None:
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.0, 0.1))
            self.vandal.damage_one()

    def verify(self, when: str) -> None:
        """What exarp itself says of the store."""
        # It exits with 1 where it finds damage.
        found = json.loads(self.keeper.call("cache", "verify", "--json", good=(0, 1)))
        self.verdicts[when] = {
            name: len(found[name]) if name == "damaged" else found[name]
            for name in ("artifacts", "blobs", "damaged", "incomplete")
            if name in found
        }

    def _nothing_of_a_ruin(self) -> None:
        """Where all that is kept is damaged, nothing comes back."""
        self.steady.run()
        self.vandal.damage_all()
        self.steady.sources.remove_outputs()
        counts = self.steady.run()
        if counts.get("restored"):
            self.steady.tally.wrong.append(f"{counts['restored']} tasks restored from a store of which all is damaged")

    def total(self) -> Tally:
        """Of all."""
        sum_ = Tally(damages=self.vandal.damages)
        for each in self.everyone:
            for name, value in vars(each.tally).items():
                setattr(sum_, name, getattr(sum_, name) + value)
        return sum_


def document(soak: Soak, seconds: float) -> dict[str, object]:
    """All figures."""
    total = soak.total()
    return {"version": 1, "seconds": seconds, "seed": soak.seed, **vars(total), "verify": soak.verdicts}


def lines(soak: Soak) -> Iterable[str]:
    """The same for people."""
    total = soak.total()
    yield f"{total.runs} runs to their end, {total.kills} killed, {total.collections} collections, {total.damages} files damaged"
    yield f"tasks: {total.passed} passed, of these {total.restored} restored; {total.up_to_date} up to date"
    for when, found in soak.verdicts.items():
        yield f"cache verify, {when}: " + ", ".join(f"{value} {name}" for name, value in found.items())
    yield from (*total.failed, *total.wrong)
    yield f"wrong outputs: {len(total.wrong)}; failures: {len(total.failed)}"


def arguments() -> argparse.Namespace:
    """What the caller wants."""
    parser = argparse.ArgumentParser(description="Two checkouts share one artifact folder; one of them is killed.")
    parser.add_argument("--seconds", type=float, default=60, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--seed", default="1", help="what is changed, killed and damaged, not when; default: %(default)s"
    )
    parser.add_argument(
        "--max-size", default="64MiB", help="of the folder: less, and more makes way; default: %(default)s"
    )
    parser.add_argument("--keep", metavar="FOLDER", help="leave checkouts and store there (it must not be there yet)")
    parser.add_argument("--exarp", metavar="PATH", help="default: beside this interpreter, else on PATH")
    parser.add_argument("--json", action="store_true", help="print one document")
    return parser.parse_args()


def main() -> int:
    """0 if nothing was wrong, else 1."""
    given = arguments()
    with contextlib.ExitStack() as stack:
        base = Path(given.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="exarp-shared-")))
        try:
            if not os.path.isdir("/proc/self"):
                raise Missing("tasks of a killed exarp are found in /proc: this needs Linux")
            exarp = find_exarp(given.exarp)
        except Missing as fault:
            print(fault, file=sys.stderr)
            return 1
        soak = Soak(base, exarp, given.seed, given.max_size)
        soak.go(given.seconds)
        print(json.dumps(document(soak, given.seconds), indent=1) if given.json else "\n".join(lines(soak)))
    total = soak.total()
    return int(bool(total.wrong or total.failed))


if __name__ == "__main__":
    sys.exit(main())
