"""Reading a manifest, in whatever notation.

Knows: bytes to a Manifest, or every problem of the file at once. Does not touch the disk (``discover`` does), and leaves
what the text looks like to a ``Notation``.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from exarp.errors import ManifestError, Place, Problem, UsageError
from exarp.manifests.document import CommandDocument, Document, SettingsDocument, VariableDocument
from exarp.manifests.fields import Fields
from exarp.manifests.notation import Notation
from exarp.manifests.outside import Nothing, Outside
from exarp.manifests.place import Locator, reworded
from exarp.manifests.references import check_references
from exarp.manifests.resolve import resolve
from exarp.manifests.sound import Sound
from exarp.manifests.variables import Command, Definition, VariableFault, Variables
from exarp.model.manifest import Manifest
from exarp.model.name import did_you_mean

if TYPE_CHECKING:
    from exarp.manifests.dotenv_files import DotenvFiles

MAX_BYTES = 64 * 1024 * 1024


class Reading(msgspec.Struct, frozen=True):
    """A manifest that was read, the problems found in it, and the locator for places in its text.

    With problems, ``manifest`` holds what is sound, so that later checks can add to the list.
    """

    manifest: Manifest
    problems: list[Problem]
    locator: Locator
    schedule_written: bool


@contextmanager
def not_collecting() -> Iterator[None]:
    """Without garbage collection: what a reader makes is kept, so that looking for garbage among it only costs.

    At 100,000 tasks it would take more than half of the time.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            # Straight to the oldest objects: the next collection of young ones would look at every one of them.
            gc.freeze()
            gc.unfreeze()
            gc.enable()


def read_manifest(
    data: bytes,
    file: str,
    notation: Notation,
    environ: Mapping[str, str],
    memory: int = 0,
    variables: Mapping[str, str] | None = None,
    root: str = "",
    read: Callable[[str], bytes] | None = None,
    outside: Outside | None = None,
    parameters: Mapping[str, str] | None = None,
) -> Reading:
    """Read ``data``, the content of ``file`` (as messages name it).

    ``memory``: physical memory in bytes, the default of that pool; 0 where it is not known. ``variables`` replace those
    of ``[vars]``. ``root``: the workspace root, absolute. ``read``: gives the content of another file that the manifest names
    (its path as in the model), or raises OSError. ``outside``: where files are found and commands are run; None: there are no
    files, and commands print nothing. ``parameters``: values for the ``params`` of tasks that have one of that name.
    Raises ManifestError for what leaves nothing to check: too large, not UTF-8, not of the notation; UsageError for ``variables``
    that ``[vars]`` does not have.
    """
    with not_collecting():
        text = _decode(data, file)
        raw = notation.parse(text, file)
        locator = Locator(file, text, notation, root)
        problems: list[Problem] = []
        if variables:
            _override(raw, variables, locator)
        sound = _convert(raw, locator, problems)
        outside = outside or Nothing()
        files = _dotenv_files(sound.document, read, environ, locator, problems)
        if files is not None:
            written = sound.document.settings.dotenv
            environ = files.read_shared(written, lambda seen: _variables(sound, seen, outside))
        known = _variables(sound, environ, outside)
        known.given = parameters or {}
        locator.expand = known.expand
        manifest, broken = resolve(sound, raw, Fields(known, locator, problems), outside, memory)
        if files is not None:
            manifest = _with_dotenv(manifest, files)
        check_references(manifest, locator, problems, broken)
        problems = [reworded(problem, locator) for problem in problems]
        return Reading(manifest, problems, locator, bool(sound.document.settings.schedule))


def _variables(sound: Sound, environ: Mapping[str, str], outside: Outside) -> Variables:
    settings = sound.document.settings

    def evaluate(script: str, named: Mapping[str, str]) -> str:
        try:
            shell = [known.expand(word) for word in settings.shell]
        except VariableFault:
            # It is told where it is written; or the shell is to be found out by a command, which needs one itself.
            shell = SettingsDocument().shell
        # A command finds what dotenv files say, as tasks do.
        return outside.printed(script, shell, {**environ, **named} if settings.dotenv else named)

    definitions = {name: _definition(value) for name, value in sound.document.vars.items()}
    known = Variables(definitions, environ, sound.broken_variables, evaluate)
    return known


def _definition(value: VariableDocument) -> Definition:
    if isinstance(value, list):
        return tuple(map(str, value))
    return Command(value.run) if isinstance(value, CommandDocument) else str(value)


def _dotenv_files(
    document: Document,
    read: Callable[[str], bytes] | None,
    environ: Mapping[str, str],
    locator: Locator,
    problems: list[Problem],
) -> DotenvFiles | None:
    """What reads dotenv files; None where the manifest names none."""
    if read is None or not (document.settings.dotenv or any(_say_dotenv(document))):
        return None
    from exarp.manifests.dotenv_files import DotenvFiles

    return DotenvFiles(read, environ, locator, problems)


def _say_dotenv(document: Document) -> Iterator[bool]:
    for written in (*document.task.values(), *document.template.values()):
        yield bool(written.dotenv)


def _with_dotenv(manifest: Manifest, files: DotenvFiles) -> Manifest:
    settings = replace(manifest.settings, dotenv=files.files)
    return replace(manifest, settings=settings, dotenv=files.values(manifest.tasks))


def _override(raw: dict[str, Any], variables: Mapping[str, str], locator: Locator) -> None:
    known = raw.setdefault("vars", {})
    if not isinstance(known, dict):
        return
    unknown = [name for name in variables if name not in known]
    if unknown:
        raise UsageError(*(reworded(_unknown_variable(name, known), locator) for name in unknown))
    known.update({name: _given(value, known[name]) for name, value in variables.items()})


def _given(value: str, written: Any) -> str | list[str]:
    """What ``--set`` gives: of a list its items, separated by commas."""
    if not isinstance(written, list):
        return value
    return value.split(",") if value else []


def _unknown_variable(name: str, known: Mapping[str, Any]) -> Problem:
    step = did_you_mean(name, known) or "define it in [vars]"
    return Problem("unknown-variable", f"--set names {name!r}, which is no variable of the manifest", None, step)


def _decode(data: bytes, file: str) -> str:
    if len(data) > MAX_BYTES:
        raise too_large(len(data), file)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(_encoding_problem(error, file)) from None


def too_large(size: int, file: str) -> ManifestError:
    """The refusal of a manifest of ``size`` bytes."""
    message = f"the manifest has {size / 1024**2:.1f} MiB; the limit is {MAX_BYTES // 1024**2} MiB"
    step = "keep data in files of its own, or split the project"
    return ManifestError(Problem("too-large", message, Place(file, 1, 1), step))


def _encoding_problem(error: UnicodeDecodeError, file: str) -> Problem:
    data = error.object
    start = data.rfind(b"\n", 0, error.start) + 1
    line = data[start:].split(b"\n", 1)[0].rstrip(b"\r").decode("utf-8", "backslashreplace")
    column = len(data[start : error.start].decode("utf-8")) + 1
    place = Place(file, data.count(b"\n", 0, error.start) + 1, column, 4, line)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Problem("not-utf8", "the manifest is UTF-16", place, "save the file as UTF-8")
    return Problem("not-utf8", f"byte 0x{data[error.start]:02x} is not valid UTF-8", place, "save the file as UTF-8")


def _convert(raw: dict[str, Any], locator: Locator, problems: list[Problem]) -> Sound:
    try:
        return Sound(msgspec.convert(raw, Document))
    except msgspec.ValidationError:
        from exarp.manifests.shape import sound_part

        sound = sound_part(raw, locator, problems)
        assert problems, "msgspec refused what no field check refuses"
        return sound
