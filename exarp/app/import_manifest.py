"""The use case ``import``: what another tool's file says, as a manifest that passes ``check``.

Knows where each tool's file is looked for, and that a task which the manifest's own rules refuse was not convertible. Does not
know what the files mean (``manifests.foreign``).
"""

from __future__ import annotations

import bisect
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence

import msgspec

from exarp.app.opening.examining import examine
from exarp.errors import ManifestError, Place, Problem, UsageError
from exarp.manifests.discover import named_plans
from exarp.manifests.foreign.draft import Draft
from exarp.manifests.foreign.toml_text import draft_text
from exarp.manifests.plans.files import Kind
from exarp.manifests.tasks.groups import without_idle
from exarp.model.leftover import Leftover
from exarp.model.path import is_outside, normalise, relative

# Where each tool looks for its file, in the order in which it does.
FILES: dict[str, tuple[str, ...]] = {
    "make": ("GNUmakefile", "makefile", "Makefile"),
    "just": ("justfile", ".justfile", "Justfile", "JUSTFILE"),
    "taskfile": (
        "Taskfile.yml",
        "taskfile.yml",
        "Taskfile.yaml",
        "taskfile.yaml",
        "Taskfile.dist.yml",
        "Taskfile.dist.yaml",
    ),
    "npm": ("package.json",),
}
# Plans and task states that each word takes.
PLANS: dict[str, tuple[Kind, ...]] = {"phases": ("phases", "wave-plans"), "todo2": ("todo2",)}
# Where plans and task states are looked for if nothing is named.
PLAN_FOLDERS = ("", "phases", ".planning/phases")
_MAX_BYTES = 16 * 1024 * 1024


class Imported(msgspec.Struct, frozen=True):
    """What became of a file. ``path``: the manifest that was written, empty where it was not; ``tasks``: how many it has;
    ``found``: how many the file had."""

    path: str
    source: str
    text: str
    tasks: int
    found: int
    leftovers: tuple[Leftover, ...]


def import_manifest(
    tool: str,
    folder: str,
    source: str | None,
    target: str | None,
    force: bool,
    environ: Mapping[str, str],
    shell: bool = False,
) -> Imported:
    """Convert ``source`` (None: the tool's own file in ``folder``) and write ``target`` (None: write nothing).

    ``shell``: commands whose output a Makefile rests on may be run now, as make itself does whenever it reads one.
    Raises UsageError where there is nothing to read or to write to; ManifestError where the file cannot be understood at all.
    """
    if target is not None:
        refuse_target(target, force)
    if tool in PLANS:
        home = os.path.dirname(target) if target is not None else folder
        draft = _plans(tool, folder, source, home)
    else:
        path = os.path.join(folder, source) if source is not None else _found(tool, folder)
        draft = convert(tool, path, os.path.relpath(path, folder), shell)
        home = os.path.dirname(target) if target is not None else os.path.dirname(path)
    text = sound_text(draft, home, target, environ)
    left = tuple(sorted(draft.leftovers))
    return Imported(target or "", draft.file, text, len(draft.tasks), max(draft.found, len(draft.tasks)), left)


def find(tool: str, folder: str) -> str | None:
    """The file that a tool would read in ``folder``, or None."""
    paths = (os.path.join(folder, name) for name in FILES[tool])
    return next((path for path in paths if os.path.isfile(path)), None)


def _found(tool: str, folder: str) -> str:
    path = find(tool, folder)
    if path is not None:
        return path
    message = f"there is no {' or '.join(FILES[tool])} in {folder}"
    raise UsageError(Problem("nothing-to-import", message, None, f"name the file: exarp import {tool} FILE"))


def refuse_target(target: str, force: bool) -> None:
    """Raises UsageError where ``target`` is there already, or has a name that is not read as TOML."""
    name = os.path.basename(target)
    if not name.endswith(".toml") or name == "pyproject.toml":
        message = f"{target} is not the name of a manifest that exarp can write"
        raise UsageError(Problem("unwritable", message, None, "choose a name that ends in .toml"))
    if os.path.lexists(target) and not force:
        step = "say --force to replace it, or name another with --to"
        raise UsageError(Problem("manifest-exists", f"{target} exists already", None, step))


def read_text(path: str, shown: str) -> str:
    """The text of a file to be converted. Raises UsageError where it cannot be read, is too large or is no UTF-8."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        message = f"{shown} cannot be read: {error.strerror}"
        raise UsageError(Problem("unreadable", message, None, "name a file that can be read")) from None
    if len(data) > _MAX_BYTES:
        message = f"{shown} has more than {_MAX_BYTES // 1024**2} MiB"
        raise UsageError(Problem("too-large", message, None, "import a smaller file"))
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        place = Place(shown, data.count(b"\n", 0, error.start) + 1, 1)
        raise ManifestError(Problem("not-utf8", f"{shown} is not valid UTF-8", place, "save it as UTF-8")) from None


def convert(tool: str, path: str, shown: str, shell: bool = False) -> Draft:
    """The draft of a tool's file, which messages name ``shown``.

    Raises UsageError and ManifestError, as ``import_manifest`` does.
    """
    text = read_text(path, shown)
    draft = _CONVERTERS[tool](text, shown, os.path.dirname(path), shell)
    draft.drop_missing()
    if tool in ("make", "just"):
        draft.clean_first()
    for task in draft.tasks:
        task.keys = without_idle(task.keys)
    return draft


def _plans(tool: str, folder: str, source: str | None, home: str) -> Draft:
    """The draft of plans or of a task state, for a manifest in the folder ``home``."""
    from exarp.app.opening.plans import read_plans
    from exarp.manifests.foreign.plans import convert_plans

    named = PLAN_FOLDERS if source is None else (source,)
    paths = (os.path.abspath(os.path.join(folder, name)) for name in named)
    found = next(filter(None, (named_plans(path, folder, PLANS[tool]) for path in paths)), None)
    if found is None:
        message = f"there are no {tool} in {folder if source is None else source}"
        raise UsageError(
            Problem("nothing-to-import", message, None, f"name their file or folder: exarp import {tool} PATH")
        )
    prefix = os.path.relpath(found.root, home)
    start = "" if prefix == "." or prefix.startswith("..") else prefix
    below = os.path.relpath(home, found.root) if prefix.startswith("..") else ""

    def rebased(path: str) -> str | None:
        seen = normalise(path, start) if start else relative(path, below)
        return None if is_outside(seen) else seen

    return convert_plans(read_plans(found, {}), tool, rebased)


def _make(text: str, shown: str, folder: str, shell: bool) -> Draft:
    import subprocess

    from exarp.manifests.foreign.make import convert_make

    def exists(path: str) -> bool:
        return os.path.exists(os.path.join(folder, path))

    def printed(command: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=folder or ".", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False
        )
        return " ".join(done.stdout.decode("utf-8", "replace").rstrip("\n").split("\n"))

    return convert_make(text, shown, globber(folder), exists, _includer(folder), printed if shell else None)


def _just(text: str, shown: str, folder: str, shell: bool) -> Draft:
    from exarp.manifests.foreign.just import convert_just

    return convert_just(text, shown, _includer(folder))


def _taskfile(text: str, shown: str, folder: str, shell: bool) -> Draft:
    from exarp.manifests.foreign.taskfile import convert_taskfile

    return convert_taskfile(text, shown)


def _npm(text: str, shown: str, folder: str, shell: bool) -> Draft:
    from exarp.manifests.foreign.npm import convert_npm

    return convert_npm(text, shown)


def _includer(folder: str) -> Callable[[str], str | None]:
    def include(name: str) -> str | None:
        path = os.path.join(folder, name)
        return read_text(path, name) if os.path.isfile(path) else None

    return include


def globber(folder: str) -> Callable[[str], Sequence[str]]:
    """What finds the files of a pattern in ``folder``; ``**`` is any folders."""

    def files(pattern: str) -> Sequence[str]:
        from glob import glob

        return sorted(glob(pattern, root_dir=folder, recursive=True))

    return files


_CONVERTERS: dict[str, Callable[[str, str, str, bool], Draft]] = {
    "make": _make,
    "just": _just,
    "taskfile": _taskfile,
    "npm": _npm,
}


def sound_text(draft: Draft, folder: str, target: str | None, environ: Mapping[str, str]) -> str:
    """The draft's text, without the tasks that a manifest cannot have; written to ``target``, whole or not at all."""
    try:
        descriptor, path = tempfile.mkstemp(".toml", ".exarp-import-", folder or None)
        os.close(descriptor)
    except OSError as error:
        message = f"{folder} cannot be written to: {error.strerror}"
        raise UsageError(Problem("unwritable", message, None, "choose a folder you can write to")) from None
    try:
        while True:
            text = draft_text(draft)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            if not _pruned(draft, text, _problems(folder, path, environ)):
                break
        if target is not None:
            os.chmod(path, 0o666 & ~_umask())
            os.replace(path, target)
        return text
    finally:
        if os.path.exists(path):
            os.unlink(path)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _problems(folder: str, path: str, environ: Mapping[str, str]) -> Sequence[Problem]:
    try:
        return examine(folder, path, environ)[1]
    except ManifestError as error:
        return error.problems


def _pruned(draft: Draft, text: str, problems: Sequence[Problem]) -> bool:
    """Take out of the draft what is wrong with its text; whether anything was."""
    lines = text.split("\n")
    headers = [number for number, line in enumerate(lines, 1) if line.startswith(("[task.", "[[wave]]"))]
    names = [task.name for task in draft.tasks]
    waves = list(draft.waves)
    pruned = False
    for problem in problems:
        line = problem.place.line if problem.place is not None else 0
        at = bisect.bisect_right(headers, line) - 1
        if at >= len(names):
            pruned |= draft.drop_wave(waves[at - len(names)]["name"], problem.message)
        elif at >= 0 and problem.slug == "wave-cycle":
            # The tasks may well be done; it is their grouping that cannot be.
            wave = next((wave["name"] for wave in waves if names[at] in wave["tasks"]), "")
            pruned |= draft.drop_wave(wave, problem.message)
        elif at >= 0:
            pruned |= draft.drop(names[at], problem.message)
        else:
            name = lines[line - 1].partition(" = ")[0] if line else ""
            if draft.variables.pop(name, None) is not None or draft.settings.pop(name, None) is not None:
                draft.leave(0, name, problem.message)
                pruned = True
    return pruned
