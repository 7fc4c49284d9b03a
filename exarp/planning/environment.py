"""The environment that tasks find, and what of it counts for what they make.

Knows the order of precedence: a task's env, parameters and matrix values, vars, the caller, its dotenv files, those of the
settings; what ``clean_env`` lets through; and which variables enter a fingerprint. Pure: the caller's environment is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from exarp.model.makeflags import NAMES, with_jobserver
from exarp.model.manifest import Manifest, Settings
from exarp.model.path import is_glob, matches
from exarp.model.task import Task
from exarp.planning.recipe import named_variables

# What reaches tasks whatever ``clean_env`` says.
ALWAYS_PASSED = ("PATH", "HOME", "USER", "LANG", "LC_*", "TERM", "TMPDIR", "EXARP_*")
# What scripts find under these names is about the task's own files.
FILE_WORDS = frozenset({"in", "out", "depfile", "in_file"})
_SAYING_WHO_SHARES = frozenset(NAMES)
# A shell sets these itself: what exarp's caller has under these names says where and how exarp was called.
_OF_SHELLS = frozenset({"PWD", "OLDPWD", "SHLVL", "_"})


class Environment:
    """What tasks of one manifest find in their environment, when it is called in the environment ``caller``.

    ``reworded``: what becomes of all that comes from outside, last of all."""

    def __init__(
        self,
        manifest: Manifest,
        caller: Mapping[str, str],
        reworded: Callable[[Mapping[str, str]], Mapping[str, str]] = lambda found: found,
    ) -> None:
        self.caller = _passed(caller, manifest.settings)
        self._reworded = reworded
        self._vars_of = manifest.vars_of
        self._dotenv = manifest.dotenv
        self._around: dict[tuple[str, ...], Mapping[str, str]] = {}
        self._matching: dict[tuple[tuple[str, ...], str], list[str]] = {}

    def around(self, task: Task) -> Mapping[str, str]:
        """What comes from outside the manifest: the caller's environment, and below it the dotenv files."""
        found = self._around.get(task.dotenv)
        if found is None:
            files = self._dotenv.get(task.dotenv)
            found = self._reworded({**files, **self.caller} if files else self.caller)
            self._around[task.dotenv] = found
        return found

    def value(self, name: str, task: Task) -> str | None:
        """What a script of ``task`` that names ``$name`` finds; None where nothing sets it."""
        for values in (task.env, task.variables, self._vars_of(task)):
            if name in values:
                return values[name]
        return self.around(task).get(name)

    def given(self, task: Task) -> dict[str, str]:
        """What the manifest sets for ``task``: its own variables and vars that its scripts name, and its env."""
        found, shared = {}, self._vars_of(task)
        for name in named_variables(task.attempted):
            if name in task.variables:
                found[name] = task.variables[name]
            elif name in shared:
                found[name] = shared[name]
        return found | task.env

    def source(self, name: str, task: Task) -> str:
        """Who says what ``value`` is: ``env``, ``task``, ``vars``, ``caller``, ``dotenv``, or nobody: an empty text."""
        for word, values in (
            ("env", task.env),
            ("task", task.variables),
            ("vars", self._vars_of(task)),
            ("caller", self.caller),
        ):
            if name in values:
                return word
        return "dotenv" if name in self.around(task) else ""

    def counted(self, task: Task) -> dict[str, bytes | None]:
        """Variables that enter the fingerprint, beyond the task's ``env``: those that its scripts name, and ``track_env``.

        The former may be unset (None). ``EXARP_*`` and the words for files never count: the latter follow from declared names.
        Nor does what shells set themselves, as long as nobody asks for it in the manifest.
        """
        named = [
            name
            for name in named_variables(task.decisive)
            if name not in FILE_WORDS
            and name not in task.env
            and not name.startswith("EXARP_")
            and not self.is_of_shell(name, task)
        ]
        found = {name: _bytes(self.value(name, task)) for name in named}
        for name in self.tracked(task) if task.track_env else ():
            if name not in found and name not in task.env and name not in FILE_WORDS:
                # No script names it, so vars are not exported under it.
                found[name] = _bytes(self.around(task).get(name))
        # Whose job slots are shared is not what a task is made of, and is another pipe each time.
        for name in _SAYING_WHO_SHARES & found.keys():
            found[name] = _without_jobserver(found[name])
        return found

    def is_of_shell(self, name: str, task: Task) -> bool:
        """Whether a script finds under ``name`` what its shell sets, whatever the caller has there."""
        return name in _OF_SHELLS and self.source(name, task) in ("caller", "")

    def tracked(self, task: Task) -> Iterable[str]:
        """The variables that ``track_env`` stands for: of a glob those that are set."""
        for entry in task.track_env:
            if is_glob(entry):
                yield from self._matches(entry, task)
            else:
                yield entry

    def _matches(self, glob: str, task: Task) -> list[str]:
        key = (task.dotenv, glob)
        if key not in self._matching:
            found = (name for name in self.around(task) if matches(glob, name) and not name.startswith("EXARP_"))
            self._matching[key] = sorted(found)
        return self._matching[key]


def _passed(caller: Mapping[str, str], settings: Settings) -> Mapping[str, str]:
    if not settings.clean_env:
        return caller
    allowed = (*ALWAYS_PASSED, *settings.pass_env)
    return {name: value for name, value in caller.items() if any(matches(pattern, name) for pattern in allowed)}


def _without_jobserver(flags: bytes | None) -> bytes | None:
    """What counts of MAKEFLAGS: a caller that says nothing else is as good as one that does not say it."""
    if flags is None or b"--jobserver-" not in flags:
        return flags
    return _bytes(with_jobserver(flags.decode("utf-8", "surrogateescape"), "").strip()) or None


def _bytes(value: str | None) -> bytes | None:
    # The caller's environment need not be UTF-8.
    return value.encode("utf-8", "surrogateescape") if value is not None else None
