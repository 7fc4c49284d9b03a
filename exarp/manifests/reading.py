"""Reading a manifest, in whatever notation.

Knows: bytes to a Manifest, or every problem of the file at once. Does not touch the disk (``discover`` does), and leaves
what the text looks like to a ``Notation``.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from exarp.errors import Problem, UsageError
from exarp.manifests.document import CommandDocument, Document, SettingsDocument, VariableDocument
from exarp.manifests.file import MAX_BYTES, decode
from exarp.manifests.inclusion.part import Joined, Part, Source, within
from exarp.manifests.naming import with_sources
from exarp.manifests.outside import Nothing, Outside
from exarp.manifests.problems.notation import Notation
from exarp.manifests.problems.place import Locator, reworded
from exarp.manifests.problems.variable_fault import VariableFault
from exarp.manifests.references import check_references
from exarp.manifests.resolve import resolve
from exarp.manifests.sound import Sound
from exarp.manifests.tasks.fields import Fields
from exarp.manifests.variables.definitions import Command, Definition, Variables
from exarp.model.manifest import Manifest
from exarp.model.name import did_you_mean

if TYPE_CHECKING:
    from exarp.manifests.inclusion.inclusion import Opener
    from exarp.manifests.tasks.dotenv_files import DotenvFiles


class Reading(msgspec.Struct, frozen=True):
    """A manifest that was read, the problems found in it, the locator for places in its text, the digest of all its files.

    ``settings_written``: names of settings that its author wrote down.
    With problems, ``manifest`` holds what is sound, so that later checks can add to the list.
    """

    manifest: Manifest
    problems: list[Problem]
    locator: Locator
    settings_written: frozenset[str]
    digest: str


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
    opener: Opener | None = None,
) -> Reading:
    """Read ``data``, the content of ``file`` (as messages name it), with all that it includes.

    ``memory``: physical memory in bytes, the default of that pool; 0 where it is not known. ``variables`` replace those
    of ``[vars]``, in every file that has them. ``root``: the workspace root, absolute. ``read``: gives the content of another
    file that the manifest names (its path as in the model), or raises OSError. ``outside``: where files are found and
    commands are run; None: there are no files, and commands print nothing. ``parameters``: values for the ``params`` of tasks
    that have one of that name. ``opener``: finds what is included.
    Raises ManifestError for what leaves nothing to check: too large, not UTF-8, not of the notation; UsageError for ``variables``
    that no ``[vars]`` has.
    """
    with not_collecting():
        reader = _Reader(environ, variables or {}, root, read, outside or Nothing(), parameters or {})
        source = Source(data, file, notation)
        part, problems = reader.part(source), reader.problems
        if part.document.include:
            found = reader.with_included(part, memory, opener)
        else:
            reader.check_overrides(part)
            fields = Fields(part.variables, part.locator, problems)
            manifest, broken = resolve(part.sound, part.raw, fields, reader.outside, memory)
            manifest = replace(manifest, tasks=with_sources(manifest.tasks))
            found = Joined(manifest, broken, part.locator, None, (part,))
        manifest = check_references(found.manifest, found.locator, problems, found.broken, found.unread)
        manifest = reader.with_dotenv(manifest, found.locator)
        locators = {each.locator.file: each.locator for each in found.parts}
        problems = [
            reworded(problem, locators.get(problem.place.file if problem.place else "", part.locator))
            for problem in problems
        ]
        digest = _digest([each.source for each in found.parts])
        return Reading(manifest, problems, found.locator, _written(part.raw.get("settings")), digest)


class _Reader:
    """Reads the files of one manifest as far as their documents."""

    def __init__(
        self,
        environ: Mapping[str, str],
        overrides: Mapping[str, str],
        root: str,
        read: Callable[[str], bytes] | None,
        outside: Outside,
        parameters: Mapping[str, str],
    ) -> None:
        self._parameters = parameters
        self.problems: list[Problem] = []
        self.outside = outside
        self._caller = self._environ = environ
        self._overrides = overrides
        self._unused = set(overrides)
        self._root = root
        self._read = read
        self._files: DotenvFiles | None = None

    def part(self, source: Source, prefix: str = "", outer: Part | None = None) -> Part:
        """The file's part of the manifest. Raises ManifestError."""
        text = decode(source.data, source.shown)
        raw = source.notation.parse(text, source.shown)
        above = outer.locator if outer is not None else None
        locator = Locator(source.shown, text, source.notation, self._root, source.base, above)
        if self._overrides:
            self._override(raw)
        if outer is not None:
            self._refuse_settings(raw, locator, outer)
        sound = _convert(raw, locator, self.problems)
        if outer is not None:
            sound, raw = within(sound, raw, outer)
        known = self._variables(sound, locator, outer)
        known.given = self._parameters
        locator.expand = known.expand
        return Part(source, prefix, raw, sound, known, locator, outer)

    def _variables(self, sound: Sound, locator: Locator, outer: Part | None) -> Variables:
        written = sound.document.settings.dotenv
        if outer is not None:
            return _variables(sound, self._environ, self.outside, locator.base, outer.variables)
        if written and (files := self._dotenv_files(locator)) is not None:
            self._environ = files.read_shared(written, lambda seen: _variables(sound, seen, self.outside, locator.base))
        return _variables(sound, self._environ, self.outside, locator.base)

    def with_included(self, root: Part, memory: int, opener: Opener | None) -> Joined:
        """The whole manifest."""
        from exarp.manifests.inclusion.inclusion import Inclusion, Nowhere, as_one

        inclusion = Inclusion(opener or Nowhere(), self.part, MAX_BYTES, self.problems)
        parts = inclusion.parts(root)
        self.check_overrides(root)
        return as_one(parts, inclusion.unread, self.outside, memory, self.problems)

    def _dotenv_files(self, locator: Locator) -> DotenvFiles | None:
        """What reads dotenv files; None where there are none."""
        if self._files is None and self._read is not None:
            from exarp.manifests.tasks.dotenv_files import DotenvFiles

            self._files = DotenvFiles(self._read, self._caller, locator, self.problems)
        return self._files

    def with_dotenv(self, manifest: Manifest, locator: Locator) -> Manifest:
        """The manifest with what its dotenv files say."""
        if self._files is None and not any(task.dotenv for task in manifest.tasks):
            return manifest
        files = self._dotenv_files(locator)
        if files is None:
            return manifest
        settings = replace(manifest.settings, dotenv=files.files)
        return replace(manifest, settings=settings, dotenv=files.values(manifest.tasks, locator))

    def check_overrides(self, root: Part) -> None:
        """Raises UsageError for variables of ``--set`` that no file has."""
        unknown = [name for name in self._overrides if name in self._unused]
        if unknown:
            known = root.document.vars
            raise UsageError(*(reworded(_unknown_variable(name, known), root.locator) for name in unknown))

    def _override(self, raw: dict[str, Any]) -> None:
        known = raw.get("vars", {})
        if isinstance(known, dict):
            known.update((name, _given(value, known[name])) for name, value in self._overrides.items() if name in known)
            self._unused.difference_update(known)
        else:
            self._unused.clear()

    def _refuse_settings(self, raw: dict[str, Any], locator: Locator, outer: Part) -> None:
        while outer.outer is not None:
            outer = outer.outer
        told = {
            "settings": ("the settings of an included manifest would not count: those of {} do", ", or in each task"),
            "cache": ("[cache] of an included manifest would not count: that of {} does", ""),
            "recovery": ("[recovery] of an included manifest would not count: that of {} does", ""),
        }
        for key in [key for key in told if key in raw]:
            message, also = told[key]
            step = f"say it there{also}"
            problem = Problem("included-settings", message.format(outer.source.shown), locator.key(key), step)
            self.problems.append(problem)
            del raw[key]


def _written(settings: Any) -> frozenset[str]:
    """Names of settings that have a value; an empty text is none, as ``schedule`` may be."""
    return (
        frozenset(name for name, value in settings.items() if value != "")
        if isinstance(settings, dict)
        else frozenset()
    )


def _digest(sources: Sequence[Source]) -> str:
    """Of a manifest's content: of its file, or of all its files and where they are."""
    from blake3 import blake3

    if len(sources) == 1:
        return blake3(sources[0].data).hexdigest()
    parts = [(source.base, blake3(source.data).digest()) for source in sources]
    return blake3(msgspec.msgpack.encode(parts)).hexdigest()


def _variables(
    sound: Sound, environ: Mapping[str, str], outside: Outside, base: str, outer: Variables | None = None
) -> Variables:
    """The variables of a manifest in the folder ``base``, where its commands run."""
    settings = sound.document.settings

    def evaluate(script: str, named: Mapping[str, str]) -> str:
        try:
            shell = [known.expand(word) for word in settings.shell]
        except VariableFault:
            # It is told where it is written; or the shell is to be found out by a command, which needs one itself.
            shell = SettingsDocument().shell
        # A command finds what dotenv files say, as tasks do.
        return outside.printed(script, shell, {**environ, **named} if settings.dotenv else named, base)

    definitions = {name: _definition(value) for name, value in sound.document.vars.items()}
    known = Variables(definitions, environ, sound.broken_variables, evaluate, outer)
    return known


def _definition(value: VariableDocument) -> Definition:
    if isinstance(value, list):
        return tuple(map(str, value))
    return Command(value.run) if isinstance(value, CommandDocument) else str(value)


def _given(value: str, written: Any) -> str | list[str]:
    """What ``--set`` gives: of a list its items, separated by commas."""
    if not isinstance(written, list):
        return value
    return value.split(",") if value else []


def _unknown_variable(name: str, known: Mapping[str, Any]) -> Problem:
    step = did_you_mean(name, known) or "define it in [vars]"
    return Problem("unknown-variable", f"--set names {name!r}, which is no variable of the manifest", None, step)


def _convert(raw: dict[str, Any], locator: Locator, problems: list[Problem]) -> Sound:
    try:
        return Sound(msgspec.convert(raw, Document))
    except msgspec.ValidationError:
        from exarp.manifests.shape import sound_part

        sound = sound_part(raw, locator, problems)
        assert problems, "msgspec refused what no field check refuses"
        return sound
