"""The scripts of a package.json as a draft manifest.

Knows what npm does around a script: ``pre`` and ``post`` scripts, ``npm run``, arguments, and the programs of
``node_modules/.bin``. Does not know other package managers' own features.
"""

from __future__ import annotations

import json
import re
from typing import Any

from exarp.errors import ManifestError, Place, Problem
from exarp.manifests.foreign.draft import Draft, DraftTask, UnconvertibleError, task_name, unique

_RUN = r"(?:npm run(?:-script)?|yarn run|yarn|pnpm run|pnpm|bun run)"
_CALL = re.compile(rf"{_RUN} (?:(?:-s|--silent) )?([\w:./-]+)")
_BESIDE = re.compile(r"(?:run-p|npm-run-all (?:-p|--parallel))((?: [\w:./*-]+)+)")
_IN_TURN = re.compile(r"(?:run-s|npm-run-all(?: -s| --serial| --sequential)?)((?: [\w:./*-]+)+)")
# Where npm looks for programs first; what follows the shell, a script and its arguments, goes to the inner one.
_SHELL = ["sh", "-c", 'PATH="$PWD/node_modules/.bin:$PATH" exec sh -c "$@"', "sh"]
_OF_PACKAGE = re.compile(r"npm_package_(\w+)")


def convert_npm(text: str, file: str) -> Draft:
    """The draft of a package.json's text. Raises ManifestError where it is no JSON object."""
    draft = Draft(file, "npm")
    package = _object(text, file)
    scripts = package.get("scripts")
    if isinstance(scripts, dict):
        _Converter(
            draft, text, package, {name: each for name, each in scripts.items() if isinstance(each, str)}
        ).convert()
    return draft


def _object(text: str, file: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        place = Place(file, error.lineno, error.colno)
        raise ManifestError(
            Problem("syntax", f"this is not JSON: {error.msg}", place, "correct it, then import it")
        ) from None
    except RecursionError:
        raise ManifestError(
            Problem("syntax", "this JSON is nested too deeply", Place(file, 1, 1), "correct it")
        ) from None
    if not isinstance(found, dict):
        raise ManifestError(Problem("syntax", "a package.json is an object", Place(file, 1, 1), "name a package.json"))
    return found


class _Converter:
    def __init__(self, out: Draft, text: str, package: dict[str, Any], scripts: dict[str, str]) -> None:
        self.out = out
        self.lines = text.split("\n")
        self.package = package
        self.scripts = scripts
        self.names: dict[str, str] = {}

    def convert(self) -> None:
        """Convert every script."""
        self.out.found = len(self.scripts)
        for script in self.scripts:
            self.names[script] = task_name(script, self.names.values())
        for script, command in self.scripts.items():
            task = DraftTask(self.names[script], self.line(script))
            try:
                self.script(task, script, command)
            except UnconvertibleError as error:
                self.out.leave(task.line, f"{script}: {command}", str(error))
                continue
            if self.names[script] != script:
                task.notes.append(f"npm run {script}")
            self.out.tasks.append(task)
        # What a script is given besides the caller's environment.
        for key in unique(_OF_PACKAGE.findall("\n".join(self.scripts.values()))):
            value = _entry(self.package, key)
            if isinstance(value, str | int | float):
                self.out.variables[f"npm_package_{key}"] = str(value).replace("${", "$${")
        self.out.settings["shell"] = _SHELL
        if "build" in self.names:
            self.out.settings = {"default": [self.names["build"]], **self.out.settings}

    def line(self, script: str) -> int:
        key = json.dumps(script, ensure_ascii=False)
        found = (number for number, line in enumerate(self.lines, 1) if line.lstrip().startswith(key))
        return next(found, 1)

    def script(self, task: DraftTask, script: str, command: str) -> None:
        beside = _BESIDE.fullmatch(command.strip())
        around = [f"{moment}{script}" for moment in ("pre", "post") if f"{moment}{script}" in self.scripts]
        if beside and not around:
            task.keys["needs"] = unique(self.names[called] for called in self.called(beside[1].split()))
            return
        commands = self.commands(script, (), ' "$@"')
        task.keys["run"] = commands[0] if len(commands) == 1 else commands

    def commands(self, script: str, callers: tuple[str, ...], given: str = "") -> list[str]:
        """The commands of a script, with those of the scripts that it only calls, in order; ``given`` stands behind it."""
        if script in callers:
            raise UnconvertibleError(f"{script} calls itself")
        found: list[str] = []
        for each in (f"pre{script}", script, f"post{script}"):
            if each in self.scripts:
                found += self.flat(self.scripts[each], (*callers, script), given if each == script else "")
        return found

    def flat(self, command: str, callers: tuple[str, ...], given: str) -> list[str]:
        """A script's text as commands: a chain of ``npm run`` is taken apart, anything else is left as it is."""
        in_turn = _IN_TURN.fullmatch(command.strip())
        if in_turn:
            return [each for called in self.called(in_turn[1].split()) for each in self.commands(called, callers)]
        parts = [part.strip() for part in command.split("&&")]
        calls = [_CALL.fullmatch(part) for part in parts]
        if any(call is not None and call[1] in self.scripts for call in calls) and _is_chain(command):
            found: list[str] = []
            for number, (part, call) in enumerate(zip(parts, calls, strict=True), 1):
                behind = given if number == len(parts) else ""
                is_script = call is not None and call[1] in self.scripts
                found += self.commands(call[1], callers, behind) if call and is_script else [f"{part}{behind}"]
            return found
        return [f"{command}{given}"]

    def called(self, names: list[str]) -> list[str]:
        """The scripts that ``run-s`` and ``run-p`` call; ``build:*`` is all that begin so."""
        found: list[str] = []
        for name in names:
            if name in self.scripts:
                found.append(name)
            elif name.endswith("*") and (alike := [each for each in self.scripts if each.startswith(name.rstrip("*"))]):
                found += alike
            else:
                raise UnconvertibleError(f"it calls {name}, which is not here")
        return found


def _is_chain(command: str) -> bool:
    """Whether ``&&`` is all that joins the parts of a command."""
    return re.search(r"[|;()'\"`\n]|(?<!&)&(?!&)", command) is None


def _entry(package: Any, name: str) -> Any:
    """What a package says under a name in which ``_`` stands for ``_`` or goes a level deeper; None where it says nothing."""
    if not isinstance(package, dict):
        return None
    for key, value in package.items():
        if key == name:
            return value
        if name.startswith(f"{key}_") and (found := _entry(value, name[len(key) + 1 :])) is not None:
            return found
    return None
