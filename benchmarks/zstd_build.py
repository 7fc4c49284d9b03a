"""How zstd is built: the same commands and depfiles, as an exarp.toml and as a build.ninja.

Knows zstd's folders, what its compiler is told, and both file formats. Does not run anything.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "libzstd"
LIBRARY_FOLDERS = ("common", "compress", "decompress", "dictBuilder", "legacy")
FLAGS = "-O2 -DXXH_NAMESPACE=ZSTD_ -DZSTD_MULTITHREAD -DZSTD_LEGACY_SUPPORT=1 -Ilib -Ilib/common -Ilib/dictBuilder"

# Read by nearly all objects, and by some of them.
TOUCHED_HEADER = "lib/common/mem.h"
CHANGED_HEADER = "lib/compress/zstd_compress_internal.h"
# What another branch has other versions of.
BRANCH_FOLDER = "lib/compress"
LIBRARY, PROGRAM = "build/libzstd.a", "build/zstd"

COMPILE = f"cc {FLAGS} -MMD -MF $depfile -c $in -o $out"
# D: no time stamps; what is there already goes first, ar would keep the objects of a former build.
ARCHIVE = "rm -f $out && ar rcsD $out $in"
LINK = "cc -o $out $in -pthread"


@dataclass(frozen=True)
class Step:
    """One command: a task of exarp, an edge of ninja. Paths are relative to the project's folder."""

    output: str
    inputs: tuple[str, ...]
    command: str
    depfile: str = ""


def steps_of(project: Path) -> list[Step]:
    """One step an object file, the library, the program. Raises ValueError where this is not zstd's source."""
    library = [path for name in LIBRARY_FOLDERS for path in _sources(project, f"lib/{name}")]
    program = _sources(project, "programs")
    if not library or not program:
        raise ValueError(f"{project}: no lib/*/*.c or no programs/*.c; is this the source of zstd?")
    objects = [_object(source) for source in (*library, *program)]
    made = [step.output for step in objects]
    kept = len(library)
    return [
        *objects,
        Step(LIBRARY, tuple(made[:kept]), ARCHIVE),
        Step(PROGRAM, (*made[kept:], LIBRARY), LINK),
    ]


def _sources(project: Path, folder: str) -> list[str]:
    found = [path for path in (project / folder).iterdir() if path.suffix in (".c", ".S")]
    return sorted(str(path.relative_to(project)) for path in found)


def _object(source: str) -> Step:
    output = f"build/{source}.o"
    return Step(output, (source,), COMPILE, f"build/{source}.d")


def manifest(steps: list[Step]) -> str:
    """An exarp.toml; a task is named after what it makes."""
    return "\n".join([f'[settings]\ndefault = ["{_task(PROGRAM)}"]\n', *map(_table, steps)])


def _task(output: str) -> str:
    return output.removeprefix("build/")


def _table(step: Step) -> str:
    # A JSON string or list of strings is one of TOML too.
    lines = [
        f"[task.{json.dumps(_task(step.output))}]",
        f"inputs = {json.dumps(step.inputs)}",
        f"outputs = [{json.dumps(step.output)}]",
        f"run = {json.dumps(step.command)}",
    ]
    if step.depfile:
        lines.append(f"depfile = {json.dumps(step.depfile)}")
    return "\n".join(lines) + "\n"


def ninja_file(steps: list[Step]) -> str:
    """A build.ninja. ``deps = gcc``: ninja takes a depfile into its own log, the way CMake has it done."""
    rules = [
        f"rule compile\n  command = {COMPILE}\n  depfile = $depfile\n  deps = gcc\n",
        f"rule archive\n  command = {ARCHIVE}\n",
        f"rule link\n  command = {LINK}\n",
    ]
    return "\n".join([*rules, *map(_edge, steps), f"default {PROGRAM}\n"])


def _edge(step: Step) -> str:
    rule = {COMPILE: "compile", ARCHIVE: "archive", LINK: "link"}[step.command]
    bound = f"  depfile = {step.depfile}\n" if step.depfile else ""
    return f"build {step.output}: {rule} {' '.join(step.inputs)}\n{bound}"
