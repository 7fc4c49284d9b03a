"""All files of a manifest that includes others, read one by one, and then as one.

Knows the order (a file, then those that it includes, as they are listed), prefixes, loops and limits. Does not touch the disk:
an ``Opener`` does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from exarp.errors import ManifestError, Place, Problem, Related
from exarp.manifests.inclusion.joined_places import JoinedLocator
from exarp.manifests.inclusion.joining import join
from exarp.manifests.inclusion.part import Joined, Part, Source
from exarp.manifests.inclusion.scope import Scope
from exarp.manifests.outside import Outside
from exarp.manifests.resolve import Within, resolve
from exarp.manifests.tasks.conditions import scripts
from exarp.manifests.tasks.fields import Fields
from exarp.manifests.tasks.task import Agents, Pool
from exarp.model.name import name_fault, prefix_of, renamed
from exarp.model.path import is_glob

MANY = "*"
MAX_FILES = 10_000
MAX_DEPTH = 32


class Opener(Protocol):
    """Finds and reads what is included; paths are normalised, relative to the workspace root. ``itself``: the identity of the
    root's file.
    """

    itself: str

    def folders(self, pattern: str) -> list[str]:
        """Folders that a glob stands for and that hold a manifest, sorted."""

    def open(self, path: str) -> Source:
        """The manifest at ``path``, a file or a folder. Raises ManifestError; its problems may have no place."""

    def identity(self, path: str) -> str:
        """What tells a file or folder from all others, by whatever name it is reached."""


class Nowhere:
    """An ``Opener`` where there are no files."""

    itself = ""

    def folders(self, pattern: str) -> list[str]:
        return []

    def open(self, path: str) -> Source:
        raise ManifestError(Problem("no-manifest", f"{path} does not exist", None, "there are no files here"))

    def identity(self, path: str) -> str:
        return path


class _Entry(NamedTuple):
    """One manifest to include: its prefix without ``:``, where it is, the key of ``include`` that wants it."""

    prefix: str
    path: str
    key: str


class Inclusion:
    """Reads what ``root`` includes, and what that includes. ``read`` makes a part of a source; ``max_bytes``: of all files.

    ``unread``: prefixes whose manifests could not be read, which is told; any name may begin with them.
    """

    def __init__(
        self, opener: Opener, read: Callable[[Source, str, Part], Part], max_bytes: int, problems: list[Problem]
    ) -> None:
        self.unread: list[str] = []
        self._opener = opener
        self._read = read
        self._left = max_bytes
        self._problems = problems

    def parts(self, root: Part) -> list[Part]:
        """``root`` and all that is included, each before what it includes itself."""
        root = replace(root, source=replace(root.source, identity=self._opener.itself))
        self._left -= len(root.source.data)
        found: list[Part] = []
        waiting = [root]
        while waiting:
            part = waiting.pop()
            found.append(part)
            inner: list[Part] = []
            for entry in self._entries(part) if part.document.include else ():
                if len(found) + len(waiting) + len(inner) >= MAX_FILES:
                    self._too_large(f"more than {MAX_FILES} manifests are included", part, entry)
                    return found + waiting[::-1]
                opened = self._open(entry, part)
                if opened is not None:
                    inner.append(opened)
                else:
                    self.unread.append(f"{part.prefix}{entry.prefix}:")
                if self._left < 0:
                    return found + inner
            waiting += reversed(inner)
        return found

    def _entries(self, part: Part) -> Iterator[_Entry]:
        """What a part includes, as listed."""
        written = part.document.include
        fields = Fields(part.variables, part.locator, self._problems)
        named = {}
        for key, value in written.items():
            if key != MANY and (path := self._named(key, value, fields)) is not None:
                named[key] = path
        # A folder that has a prefix of its own is not one of many.
        apart = {self._opener.identity(path) for path in (part.source.base or "./", *named.values())}
        seen: dict[str, str] = {}
        for key, value in written.items():
            if key == MANY:
                for path in self._many(value, fields, apart):
                    yield from self._prefixed(path, named, seen, fields)
            elif key in named:
                yield _Entry(key, named[key], key)
            else:
                self.unread.append(f"{part.prefix}{key}:")

    def _named(self, key: str, value: str | list[str], fields: Fields) -> str | None:
        """The path that a prefix stands for; None where something is wrong with either."""
        at = ("include", key)
        if fault := name_fault(key):
            fields.add("bad-name", f"prefix {key!r}: {fault}", at, renamed(key), on_key=True)
            return None
        if not isinstance(value, str):
            step = f'only "{MANY}" takes several: write the path of one folder or file'
            fields.add("wrong-type", f"{key!r} in [include] must be a string, not a list", at, step)
            return None
        path = fields.path(value, at)
        if path is not None and is_glob(path):
            step = f'write "{MANY}" = "{value}": the names of its folders are their prefixes'
            fields.add("bad-path", f"{value!r} is a glob, and a prefix stands for one folder or file", at, step)
            return None
        return path

    def _many(self, value: str | list[str], fields: Fields, apart: Set[str]) -> list[str]:
        """The folders that the globs of ``"*"`` stand for, sorted, without those in ``apart``."""
        at = ("include", MANY)
        texts = [(value, at)] if isinstance(value, str) else [(each, (*at, index)) for index, each in enumerate(value)]
        found: dict[str, None] = {}
        for text, path in texts:
            pattern = fields.path(text, path)
            folders = [] if pattern is None else self._opener.folders(pattern)
            if not folders:
                self.unread.append("")
            if not folders and pattern is not None:
                message = f"no folder with a manifest matches {text!r}"
                fields.add("no-manifest", message, path, "name the folders that hold the manifests")
            found.update((folder, None) for folder in folders if self._opener.identity(folder) not in apart)
        return sorted(found)

    def _prefixed(self, path: str, named: Mapping[str, str], seen: dict[str, str], fields: Fields) -> Iterator[_Entry]:
        """One of many, by the name of its folder."""
        name = path[path.rfind("/") + 1 :]
        other = named.get(name) or seen.setdefault(name, path)
        step = 'give it another prefix: NAME = "' + path + '"'
        if other != path:
            message = f"two folders would have the prefix {name!r}: {other!r} and {path!r}"
            fields.add("duplicate-name", message, ("include", MANY), step)
        elif fault := name_fault(name):
            fields.add("bad-name", f"folder {path!r} as a prefix: {fault}", ("include", MANY), step)
        else:
            yield _Entry(name, path, MANY)

    def _open(self, entry: _Entry, part: Part) -> Part | None:
        """The manifest of an entry; None where it cannot be read, which is told."""
        try:
            source = self._opener.open(entry.path)
            if self._is_loop(source, entry, part):
                return None
            self._left -= len(source.data)
            if self._left < 0:
                self._too_large("with this one, the manifests together are too large", part, entry)
                return None
            return replace(self._read(source, f"{part.prefix}{entry.prefix}:", part), key=entry.key)
        except ManifestError as error:
            self._problems += [
                problem if problem.place else replace(problem, place=_place(part, entry.key))
                for problem in error.problems
            ]
            return None

    def _is_loop(self, source: Source, entry: _Entry, part: Part) -> bool:
        """Whether a file includes itself, directly or through others, or is nested too deeply; either is told."""
        chain = [part]
        while chain[0].source.identity != source.identity and chain[0].outer is not None:
            chain.insert(0, chain[0].outer)
        if chain[0].source.identity != source.identity:
            if len(chain) >= MAX_DEPTH:
                self._too_large(f"manifests are included more than {MAX_DEPTH} deep", part, entry)
            return len(chain) >= MAX_DEPTH
        files = [each.source.shown for each in chain]
        places = [*(_place(inner.outer or inner, inner.key) for inner in chain[1:]), _place(part, entry.key)]
        steps = zip(places, files, [*files[1:], files[0]], strict=True)
        related = tuple([Related(place, f"{one} includes {other}") for place, one, other in steps])
        chained = f"{' → '.join([*files, files[0]])} is a loop of includes"
        message = f"{files[0]} includes itself" if len(files) == 1 else chained
        self._problems.append(
            Problem("include-loop", message, places[-1], "take one of them out", related if len(files) > 1 else ())
        )
        return True

    def _too_large(self, message: str, part: Part, entry: _Entry) -> None:
        step = "include fewer: a folder with a manifest is also a project of its own"
        self._problems.append(Problem("too-large", message, _place(part, entry.key), step))


def _place(part: Part, key: str) -> Place:
    return part.locator.value("include", key)


def as_one(
    parts: Sequence[Part], unread: Sequence[str], outside: Outside, memory: int, problems: list[Problem]
) -> Joined:
    """The manifest that the files are together; faults are appended to ``problems``. ``memory``: as in ``resolve``."""
    tasks = {part.prefix + name for part in parts for name in part.document.task}
    waves: set[str] = set()
    scopes = [Scope(part.prefix, tasks, waves) for part in parts]
    for part, scope in zip(parts, scopes, strict=True):
        part.locator.full_name = scope.either
    planned, pools = _planned(parts, scopes), _pools(parts, problems)
    settings, manifests = None, []
    broken: set[str] = set()
    for part in parts:
        fields = Fields(part.variables, part.locator, problems)
        around = Within(planned[part.prefix], pools, settings, _agents(part, parts))
        manifest, faulty = resolve(part.sound, part.raw, fields, outside, memory, around)
        waves.update(part.prefix + wave.name for wave in manifest.waves)
        broken.update(part.prefix + name for name in faulty)
        settings = settings or manifest.settings
        manifests.append(manifest)
    problems += _failures(parts)
    amounts = {name: pool.amount for name, pool in pools.items() if pool.amount is not None}
    joined = join(list(zip(scopes, manifests, strict=True)), amounts)
    if joined.waves and not parts[0].document.settings.schedule:
        # As ``resolve`` has it for the waves of one file.
        joined = replace(joined, settings=replace(joined.settings, schedule="waves"))
    return Joined(joined, broken, JoinedLocator(parts), unread, parts)


def _failures(parts: Sequence[Part]) -> list[Problem]:
    """Commands of variables that did not work out; a file may have asked for one of another."""
    return [
        Problem(fault.slug, str(fault), part.locator.value("vars", name), fault.step)
        for part in parts
        for name, fault in part.variables.failures.items()
    ]


def _planned(parts: Sequence[Part], scopes: Sequence[Scope]) -> defaultdict[str, set[str]]:
    """By prefix the tasks that any wave lists, without the prefix: they have other defaults."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for part, scope in zip(parts, scopes, strict=True):
        # What is wrong with them is told where the waves are read.
        fields = Fields(part.variables, part.locator, [])
        for wave in part.document.wave:
            for name in map(scope.task, fields.texts(wave.tasks, ("wave",))):
                prefix = prefix_of(name)
                found[prefix].add(name[len(prefix) :])
    return found


def _agents(part: Part, parts: Sequence[Part]) -> Agents:
    """Those of the files around one; the nearest has the last word."""
    outer = [other for other in parts if other is not part and part.prefix.startswith(other.prefix)]
    # What is wrong with them is told where they stand.
    return {
        name: scripts(written.run, ("agents", name, "run"), Fields(other.variables, other.locator, []).check_script)
        for other in sorted(outer, key=lambda other: len(other.prefix))
        for name, written in other.document.agents.items()
    }


def _pools(parts: Sequence[Part], problems: list[Problem]) -> dict[str, Pool]:
    """All pools; the word of a file counts before that of those which it includes, and no other two may differ."""
    found: dict[str, tuple[Part, Pool]] = {}
    for part in parts:
        # What is wrong with a size is told where the file's own pools are read.
        amounts = Fields(part.variables, part.locator, []).sizes(part.document.resources, ("resources",))
        for name, written in part.document.resources.items():
            first, pool = found.setdefault(name, (part, Pool(amounts.get(name), str(written))))
            known = pool.amount is not None and name in amounts
            if known and pool.amount != amounts[name] and not part.prefix.startswith(first.prefix):
                problems.append(_two_sizes(name, first, part))
    return {name: pool for name, (_, pool) in found.items()}


def _two_sizes(name: str, first: Part, second: Part) -> Problem:
    sizes = [str(part.document.resources[name]) for part in (first, second)]
    places = [part.locator.value("resources", name) for part in (first, second)]
    message = f"the pool {name!r} has two sizes: {sizes[0]} and {sizes[1]}"
    step = f"say which in the manifest that includes both: {name} = … in [resources]"
    return Problem("pool-conflict", message, places[1], step, (Related(places[0], "here first"),))
