"""What a manifest asks of the world while it is read: files that match, and what commands print.

Knows the workspace that they are looked for and run in. Does not know what for. What it needs is imported only where a
manifest asks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from exarp.manifests.variables.definitions import CommandFailed
from exarp.model.manifest import Manifest
from exarp.planning.recipe import named_variables

if TYPE_CHECKING:
    from exarp.workspace.globbing import Globbing


class Outside:
    """The world, as one workspace (``root``: absolute) sees it. ``commands`` False: none is run, each prints nothing.

    ``globbing``: what found files, if anybody asked for some; ``was_asked``: whether anybody asked what a command prints;
    ``has_run``: whether one was run.
    """

    def __init__(self, root: str, environ: Mapping[str, str], commands: bool = True) -> None:
        self._root = root
        self._environ = environ
        self._commands = commands
        self.globbing: Globbing | None = None
        self.was_asked = self.has_run = False
        self._printed: dict[tuple[str, str, tuple[str, ...], tuple[tuple[str, str], ...]], str] = {}

    def files(self, pattern: str, excluded: Sequence[str]) -> Sequence[str]:
        """See ``manifests.outside``. What git ignores is not among them."""
        if self.globbing is None:
            from exarp.workspace.globbing import Globbing, Outputs

            self.globbing = Globbing(self._root, Outputs(()))
        return self.globbing.files(pattern, excluded)

    def printed(self, script: str, shell: Sequence[str], variables: Mapping[str, str], folder: str = "") -> str:
        """See ``manifests.outside``: what the script prints, without the line ends at its end."""
        self.was_asked = True
        if not self._commands:
            return ""
        key = (folder, script, tuple(shell), tuple(sorted(variables.items())))
        self.has_run = True
        if key not in self._printed:
            self._printed[key] = self._run(script, shell, variables, os.path.join(self._root, folder))
        return self._printed[key]

    def _run(self, script: str, shell: Sequence[str], variables: Mapping[str, str], cwd: str) -> str:
        from exarp.hosts.command_output import command_output

        try:
            done = command_output((*shell, script), cwd, {**self._environ, **variables})
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise CommandFailed(f"cannot be run: {reason}", "correct it, or shell in [settings]") from None
        if done.status != 0:
            how = f"ended with exit {done.status}" if done.status > 0 else f"was ended by signal {-done.status}"
            lines = done.complained.decode("utf-8", "backslashreplace").strip().splitlines()
            step = "run it by hand in the manifest's folder; --set gives the variable another value"
            raise CommandFailed(f"{how}: {lines[-1].strip()}" if lines else how, step)
        return _text(done.printed)


def evaluate(manifest: Manifest, tasks: Iterable[int]) -> None:
    """Run the commands of those variables that scripts of ``tasks`` name: what is wrong with them is told before a run begins.

    Raises ManifestError with the place of a command that fails.
    """
    if all(isinstance(each, dict) for each in (manifest.vars, *manifest.inner_vars.values())):
        return  # None of them is a command that nobody has asked for.
    for task in sorted(tasks):
        variables = manifest.vars_of(manifest.tasks[task])
        for name in named_variables(manifest.tasks[task].scripts):
            if name in variables:
                variables[name]


def _text(printed: bytes) -> str:
    try:
        text = printed.decode()
    except UnicodeDecodeError:
        raise CommandFailed("printed what is not valid UTF-8", "let it print text") from None
    if "\0" in text:
        raise CommandFailed("printed a NUL character, which no command, path or variable can hold", "let it print text")
    return text.rstrip("\r\n")
