"""A real C project, zstd, built from its source archive with exarp and with ninja.

Knows what is done to the project, and checks that both did it: the program works, and the same objects were made
anew. Decides nothing: it prints how long each took, and ratios. See README.md.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import zstd_build
from archive import fetch_source, unpack
from contender import Missing, find_exarp, find_program, setting
from cost import CommandFailed, Cost, cost_of
from table import paired_ratio, seconds, table
from zstd_build import PROGRAM, Step

HEAD = (
    "step", "ran: exarp", "ninja", "wall: exarp", "ninja", "ratio", "CPU: exarp", "ninja", "ratio",
)  # fmt: skip


# Gets the project's folder and the round's number.
Prepare = Callable[[Path, int], None]


class WentWrong(Exception):
    """What was built does not work, or the two disagree; the text says how."""


@dataclass(frozen=True)
class Side:
    """One of the two: its name, its command, and its own copy of the project."""

    name: str
    argv: Sequence[str]
    folder: Path


@dataclass(frozen=True)
class Result:
    """What one side did in one step: what it made anew, and what each round cost."""

    made: frozenset[str]
    costs: tuple[Cost, ...]


class Project:
    """Both copies, built side by side, and the lines of the table so far. ``steps``: what there is to make."""

    def __init__(self, steps: list[Step], sides: tuple[Side, Side]) -> None:
        self.outputs = [step.output for step in steps]
        self.sides = sides
        self.rows: list[tuple[str, ...]] = []

    def step(self, label: str, prepare: Prepare | None = None, rounds: int = 1) -> list[Result]:
        """In every round do ``prepare`` to both copies, then let each side build; who goes first changes."""
        return self.in_turn(((label, prepare),), rounds)[0]

    def in_turn(self, steps: Sequence[tuple[str, Prepare | None]], rounds: int) -> list[list[Result]]:
        """Several steps, one after the other in every round; a row of the table each, and what each side did."""
        made: list[tuple[set[str], set[str]]] = [(set(), set()) for _ in steps]
        costs: list[tuple[list[Cost], list[Cost]]] = [([], []) for _ in steps]
        for number in range(rounds):
            for place, (label, prepare) in enumerate(steps):
                print(f"{label}, round {number + 1} of {rounds}", file=sys.stderr, flush=True)
                for index in (0, 1) if number % 2 == 0 else (1, 0):
                    side = self.sides[index]
                    if prepare is not None:
                        prepare(side.folder, number)
                    before = self._state(side)
                    costs[place][index].append(cost_of(side.argv, side.folder))
                    made[place][index].update(self._made(side, before))
        results = [
            [Result(frozenset(made[place][index]), tuple(costs[place][index])) for index in (0, 1)]
            for place in range(len(steps))
        ]
        self.rows += [_row(label, of, len(self.outputs)) for (label, _), of in zip(steps, results, strict=True)]
        return results

    def _state(self, side: Side) -> dict[str, tuple[int, int]]:
        return {path: state for path in self.outputs if (state := _state_of(side.folder / path)) is not None}

    def _made(self, side: Side, before: dict[str, tuple[int, int]]) -> list[str]:
        """What was written since, as the file system tells it: neither side's own word is taken for it."""
        return [path for path, state in self._state(side).items() if before.get(path) != state]


def _state_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino


def _row(label: str, results: Sequence[Result], total: int) -> tuple[str, ...]:
    cells = [label, *(f"{len(result.made)} of {total}" for result in results)]
    walls = [[cost.wall for cost in result.costs] for result in results]
    cpus = [[cost.cpu for cost in result.costs] for result in results]
    for ours, theirs in (walls, cpus):
        cells += [seconds(median(ours)), seconds(median(theirs)), paired_ratio(ours, theirs)]
    return tuple(cells)


# -- what is done to the project -----------------------------------------------------------------------------------


def touch(folder: Path, number: int) -> None:
    """A header's time changes, its content does not."""
    (folder / zstd_build.TOUCHED_HEADER).touch()


def append_comment(folder: Path, number: int) -> None:
    """A header's content changes, what is compiled from it does not."""
    with (folder / zstd_build.CHANGED_HEADER).open("a") as file:
        file.write(f"/* changed {number} */\n")


def remove_object(folder: Path, number: int) -> None:
    """An output is gone."""
    (folder / "build/lib/common/pool.c.o").unlink()


def switch_branch(folder: Path, number: int) -> None:
    """Some sources are what they are on a branch that was never built: each has one more function."""
    for path in _branch_sources(folder):
        _write_anew(path, f"{path.read_text()}{BRANCH_MARK}\nint other_{path.stem}(void) {{ return {number}; }}\n")


def switch_back(folder: Path, number: int) -> None:
    """They are again what they were, with the time of now, as git leaves them."""
    for path in _branch_sources(folder):
        _write_anew(path, path.read_text().partition(BRANCH_MARK)[0])


BRANCH_MARK = "/* other branch */"


def _branch_sources(folder: Path) -> list[Path]:
    return sorted((folder / zstd_build.BRANCH_FOLDER).glob("*.c"))


def _write_anew(path: Path, text: str) -> None:
    # git removes the file and writes a new one.
    path.unlink()
    path.write_text(text)


# -- what is checked -----------------------------------------------------------------------------------------------


def check_program(side: Side, other: Side, sample: Path, work: Path) -> None:
    """Compress with one side's program, test and decompress with the other's. Raises WentWrong."""
    packed, back = work / "sample.zst", work / "sample.back"
    _use(side, "-q", "-f", "-T2", "-9", str(sample), "-o", str(packed))
    _use(side, "-q", "-t", str(packed))
    _use(other, "-q", "-f", "-d", str(packed), "-o", str(back))
    if not filecmp.cmp(sample, back, shallow=False):
        raise WentWrong(f"what {side.name}'s zstd compressed, {other.name}'s decompressed to something else")
    if packed.stat().st_size >= sample.stat().st_size:
        raise WentWrong(f"{side.name}'s zstd made {sample.name} no smaller")


def _use(side: Side, *arguments: str) -> None:
    done = subprocess.run(
        (str(side.folder / PROGRAM), *arguments), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise WentWrong(f"{side.name}'s zstd {' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")


def compare_objects(results: Sequence[Result]) -> str:
    """Whether both compiled the same objects, as a line to print."""
    ours, theirs = ({path for path in result.made if path.endswith(".o")} for result in results)
    if ours == theirs:
        return f"the same {len(ours)} objects were made anew by both"
    lines = [
        f"only {name}: {path}"
        for name, paths in (("exarp", ours - theirs), ("ninja", theirs - ours))
        for path in sorted(paths)
    ]
    return "NOT the same objects were made anew:\n  " + "\n  ".join(lines)


def compare_programs(sides: Sequence[Side]) -> str:
    """Whether both linked the same bytes, as a line to print."""
    ours, theirs = (side.folder / PROGRAM for side in sides)
    same = filecmp.cmp(ours, theirs, shallow=False)
    return "both linked the same bytes" if same else "the two programs DIFFER in their bytes"


# -- the whole -----------------------------------------------------------------------------------------------------


def lay_out(source: Path, work: Path, exarp: str, ninja: str, jobs: int) -> Project:
    """A copy for each side with the file it reads. Raises Missing."""
    try:
        steps = zstd_build.steps_of(source)
    except (OSError, ValueError) as fault:
        raise Missing(str(fault)) from fault
    texts = {"exarp.toml": zstd_build.manifest(steps), "build.ninja": zstd_build.ninja_file(steps)}
    commands = ((exarp, "run", f"-j{jobs}"), (ninja, f"-j{jobs}"))
    sides = []
    for (file, text), argv in zip(texts.items(), commands, strict=True):
        name = Path(argv[0]).name
        folder = work / name
        shutil.copytree(source, folder, symlinks=True)
        (folder / file).write_text(text)
        sides.append(Side(name, argv, folder))
    return Project(steps, (sides[0], sides[1]))


def measure(project: Project, rounds: int, sample: Path, work: Path) -> list[str]:
    """All steps, in turn; what was found beside the figures. Raises CommandFailed, WentWrong."""
    ours, theirs = project.sides
    project.step("build from nothing")
    for side, other in ((ours, theirs), (theirs, ours)):
        check_program(side, other, sample, work)
    found = [
        f"zstd of each side compressed {sample.stat().st_size:,} bytes, the other's gave them back",
        compare_programs(project.sides),
    ]
    project.step("nothing to do", rounds=rounds)
    project.step("touch a header", touch, rounds)
    project.step("after that", rounds=rounds)
    changed = project.step("comment in a header", append_comment, rounds)
    found.append(f"after a comment in {zstd_build.CHANGED_HEADER}: {compare_objects(changed)}")
    project.step("remove an object", remove_object, rounds)
    found += measure_branches(project, rounds)
    project.step("nothing to do, in the end", rounds=rounds)
    found.append(f"in the end: {compare_programs(project.sides)}")
    return found


def measure_branches(project: Project, rounds: int) -> list[str]:
    """To a branch that was never built, and back, in every round. Raises CommandFailed, WentWrong."""
    programs = [side.folder / PROGRAM for side in project.sides]
    before = [program.read_bytes() for program in programs]
    there, back = project.in_turn((("another branch", switch_branch), ("and back", switch_back)), rounds)
    if [program.read_bytes() for program in programs] != before:
        raise WentWrong("after another branch and back a program is not what it was before")
    return [
        f"on another branch: {compare_objects(there)}",
        f"and back: {compare_objects(back)}; both programs are what they were",
    ]


def sample_of(source: Path, work: Path) -> Path:
    """Something real to compress: all the source in one file."""
    sample = work / "sample"
    with sample.open("wb") as file:
        for path in sorted(source.rglob("*.[chS]")):
            file.write(path.read_bytes())
    return sample


def arguments() -> argparse.Namespace:
    """What the caller wants."""
    parser = argparse.ArgumentParser(description="Build zstd with exarp and with ninja, again and again.")
    parser.add_argument("--archive", type=Path, metavar="FILE", help="source archive of zstd (default: apt fetches it)")
    parser.add_argument(
        "--rounds", type=int, default=5, metavar="N", help="of all but the first build; default: %(default)s"
    )
    parser.add_argument("-j", "--jobs", type=int, default=2, metavar="N", help="default: %(default)s")
    parser.add_argument("--exarp", metavar="PATH", help="default: beside this interpreter, else on PATH")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work in this new folder and leave it")
    return parser.parse_args()


def report(given: argparse.Namespace, work: Path) -> None:
    """Fetch, lay out, measure, print. Raises Missing, CommandFailed, WentWrong."""
    exarp, ninja = find_exarp(given.exarp), find_program("ninja")
    for name in ("cc", "ar"):
        find_program(name)
    archive = given.archive or fetch_source(zstd_build.PACKAGE, work / "apt")
    source = unpack(archive, work / "source")
    project = lay_out(source, work, exarp, ninja, given.jobs)
    print(setting(exarp, ninja))
    print(
        f"{archive.name}: {len(project.outputs)} commands, -j{given.jobs}, medians of {given.rounds} rounds (one of the first)\n"
    )
    found = measure(project, given.rounds, sample_of(source, work), work)
    print(table(HEAD, project.rows))
    print("", *found, sep="\n")


def main() -> int:
    """0 when everything could be measured, whatever the figures."""
    given = arguments()
    try:
        if given.keep is not None:
            given.keep.mkdir(parents=True)
            report(given, given.keep.absolute())
        else:
            with tempfile.TemporaryDirectory(prefix="exarp-zstd-") as work:
                report(given, Path(work))
    except (Missing, CommandFailed, WentWrong) as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
