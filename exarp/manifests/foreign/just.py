"""A justfile as a draft manifest: recipes become tasks, their parameters params.

Knows just's syntax as far as justfiles of people use it, and how exarp says the same: each line of a recipe is a shell of its
own in both. Source: the just manual. Evaluates nothing but literal text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from exarp.manifests.foreign.draft import Draft, DraftTask, UnconvertibleError, task_name, unique
from exarp.manifests.foreign.just_text import (
    Line,
    attributes_of,
    dedented,
    joined_lines,
    literal,
    logical_lines,
    tokens_of,
    words_of,
)
from exarp.manifests.foreign.shell_text import arguments, placed, quoting, reference, tidy
from exarp.model.name import variable_fault

_NAME = r"[A-Za-z_][\w-]*"
_ASSIGNMENT = re.compile(rf"(export\s+)?({_NAME})\s*:=\s*(.*)", re.DOTALL)
_SETTING = re.compile(r"set\s+([\w-]+)\s*(?::=\s*(.*))?", re.DOTALL)
_ALIAS = re.compile(rf"alias\s+({_NAME})\s*:=\s*({_NAME}(?:::{_NAME})*)")
_HEADER = re.compile(rf"(@?)({_NAME})((?:\s[^:]*)?):(?!=)(.*)", re.DOTALL)
_PARAMETER = re.compile(rf"(\$?)([+*]?)(\$?)({_NAME})(?:=(.*))?", re.DOTALL)
_INTERPOLATION = re.compile(r"\{\{\{\{|\{\{(.*?)\}\}", re.DOTALL)
_INTERPRETERS = {
    "python": "-c",
    "python3": "-c",
    "node": "-e",
    "ruby": "-e",
    "perl": "-e",
    "sh": "-c",
    "bash": "-c",
    "zsh": "-c",
}
_IGNORED_SETTINGS = frozenset(
    ("windows-shell", "windows-powershell", "quiet", "allow-duplicate-recipes", "unstable", "fallback")
)
_LISTS = re.compile(r"^just\s+(?:--list|-l)(?:\s+--unsorted)?$")
_PLATFORMS = {"linux": ["linux"], "macos": ["macos"], "unix": ["linux", "macos"], "windows": []}


class _Recipe(NamedTuple):
    """A recipe as written: its attributes with their arguments, the comment above it, its body's lines."""

    line: int
    name: str
    parameters: str
    needs: str
    attributes: list[tuple[str, str]]
    comment: str
    body: list[tuple[int, str]]


def convert_just(text: str, file: str, include: Callable[[str], str | None]) -> Draft:
    """The draft of a justfile's text. ``file``: as messages name it; ``include``: the text of an imported file, or None."""
    converter = _Converter(Draft(file, "just"), include)
    converter.read(text)
    return converter.draft()


class _Converter:
    def __init__(self, out: Draft, include: Callable[[str], str | None]) -> None:
        self.out = out
        self.include = include
        self.recipes: list[_Recipe] = []
        self.values: dict[str, tuple[int, str]] = {}
        self.aliases: dict[str, list[str]] = {}
        self.settings: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.copies: dict[tuple[str, ...], str] = {}

    # -- lines -------------------------------------------------------------------------------------------------

    def read(self, text: str) -> None:
        """Take a justfile's text in."""
        lines = iter(logical_lines(text))
        attributes: list[tuple[str, str]] = []
        comment = ""
        body: list[tuple[int, str]] = []
        for line in lines:
            stripped = line.text.strip()
            if line.indented:
                body.append((line.number, line.text))
            elif not stripped:
                if body:
                    body.append((line.number, ""))
                comment = ""
            elif stripped.startswith("#"):
                comment = stripped.lstrip("#! ").strip()
            elif stripped.startswith("["):
                attributes += attributes_of(stripped)
            else:
                body = self.statement(line, stripped, attributes, comment)
                attributes, comment = [], ""

    def statement(
        self, line: Line, text: str, attributes: list[tuple[str, str]], comment: str
    ) -> list[tuple[int, str]]:
        """Take one item in; the list that its body's lines belong to."""
        if setting := _SETTING.fullmatch(text):
            self.settings[setting[1]] = setting[2] or "true"
            self.setting(line, text, setting[1], setting[2])
        elif alias := _ALIAS.fullmatch(text):
            self.aliases.setdefault(alias[2], []).append(alias[1])
        elif re.match(r"import\??\s", text):
            self.imported(line, text)
        elif re.match(r"mod\??\s", text):
            self.out.leave(line.number, text, "a module is another justfile: import it by itself, then include it")
        elif assignment := _ASSIGNMENT.fullmatch(text):
            self.values[assignment[2]] = (line.number, assignment[3].strip())
        elif header := _HEADER.fullmatch(text):
            recipe = _Recipe(line.number, header[2], header[3].strip(), header[4].strip(), attributes, comment, [])
            self.recipes.append(recipe)
            return recipe.body
        else:
            self.out.leave(line.number, text, "this line is not understood")
        return []

    def setting(self, line: Line, text: str, name: str, value: str | None) -> None:
        if name == "shell" and value:
            words = re.findall(r"""'([^']*)'|"([^"]*)\"""", value)
            self.out.settings["shell"] = [one or other for one, other in words]
        elif name in ("dotenv-load", "dotenv-filename", "dotenv-path"):
            if (value or "true") != "false":
                found = re.fullmatch(r"""["'](.*)["']""", value or "")
                self.out.settings["dotenv"] = [found[1] if found else ".env"]
        elif name not in _IGNORED_SETTINGS and name not in ("export", "positional-arguments"):
            self.out.leave(line.number, text, "this setting has no counterpart")

    def imported(self, line: Line, text: str) -> None:
        found = re.search(r"""["'](.*)["']""", text)
        content = self.include(found[1]) if found else None
        if content is not None:
            self.read(content)
        elif not text.startswith("import?"):
            self.out.leave(line.number, text, "not imported: it is not there")

    # -- recipes to tasks --------------------------------------------------------------------------------------

    def draft(self) -> Draft:
        """Convert everything."""
        self.out.found = len(self.recipes)
        self.out.settings.setdefault("shell", ["sh", "-cu"])
        self.pick_platforms()
        for recipe in self.recipes:
            self.names[recipe.name] = task_name(recipe.name, self.names.values())
        for recipe in self.recipes:
            self.recipe(recipe)
        for name in self.values:
            self.export(name)
        default = next((recipe.name for recipe in self.recipes if recipe.name == "default"), "")
        first = default or next((recipe.name for recipe in self.recipes), "")
        if any(task.name == self.names.get(first) for task in self.out.tasks):
            self.out.settings = {"default": [self.names[first]], **self.out.settings}
        return self.out

    def pick_platforms(self) -> None:
        """Of recipes of one name, one a platform, those for Linux and macOS stay."""
        kept: dict[str, _Recipe] = {}
        for recipe in self.recipes:
            platforms = _platforms(recipe)
            if platforms == []:
                self.out.leave(recipe.line, recipe.name, "it is for Windows, where exarp does not run")
            elif recipe.name in kept:
                self.out.leave(recipe.line, recipe.name, "a second recipe of this name, for another platform")
            else:
                kept[recipe.name] = recipe
        self.recipes = list(kept.values())

    def recipe(self, recipe: _Recipe) -> None:
        task = DraftTask(self.names[recipe.name], recipe.line)
        try:
            self.fill(task, recipe, None)
        except UnconvertibleError as error:
            self.out.leave(recipe.line, recipe.name, str(error))
            return
        if recipe.name in self.aliases:
            task.keys["aliases"] = self.aliases[recipe.name]
        self.out.tasks.append(task)

    def fill(self, task: DraftTask, recipe: _Recipe, given: Sequence[str] | None) -> None:
        """Fill in a task's keys; ``given``: the arguments it always has. Raises UnconvertibleError."""
        if recipe.comment:
            task.keys["description"] = recipe.comment
        self.attributes(task, recipe)
        parameters = _Parameters(self, task, recipe)
        parameters.read(given)
        needs = self.needs(recipe)
        if needs:
            task.keys["needs"] = needs
        _Body(self, task, recipe, parameters).convert()
        if "run" not in task.keys and "needs" not in task.keys:
            raise UnconvertibleError("it runs nothing and needs no other recipe")

    def attributes(self, task: DraftTask, recipe: _Recipe) -> None:
        for name, argument in recipe.attributes:
            if name == "doc":
                task.keys["description"] = argument
            elif name == "group":
                task.keys.setdefault("tags", []).append(argument)
            elif name == "confirm":
                task.keys["confirm"] = argument or f"Run {recipe.name}?"
            elif name == "working-directory":
                task.keys["cwd"] = argument
            elif name in ("no-cd", "script", "parallel", "extension"):
                raise UnconvertibleError(f"[{name}] has no counterpart")
        if recipe.name.startswith("_") or any(name == "private" for name, _ in recipe.attributes):
            task.keys["internal"] = True
        platforms = _platforms(recipe)
        if platforms:
            task.keys["platforms"] = platforms

    def needs(self, recipe: _Recipe) -> list[str]:
        before, behind, _ = recipe.needs.partition("&&")
        if behind:
            raise UnconvertibleError("what runs after it (&&) has no counterpart")
        found = []
        for text in words_of(before):
            name, *given = words_of(text[1:-1]) if text.startswith("(") else [text]
            if name not in self.names:
                raise UnconvertibleError(f"it needs {name}, which is not here")
            if any(re.fullmatch(r"""'.*'|".*\"""", each, re.DOTALL) is None for each in given):
                raise UnconvertibleError(f"it gives arguments to what it needs that only a run knows: {text}")
            found.append(self.copy(name, [literal(each) for each in given]) if given else self.names[name])
        return unique(found)

    def copy(self, name: str, given: Sequence[str]) -> str:
        """A task that is the recipe ``name`` with arguments; made once for each of them. Raises UnconvertibleError."""
        if (name, *given) not in self.copies:
            recipe = next(each for each in self.recipes if each.name == name)
            wanted = re.sub(r"\W+", "-", " ".join(given)).strip("-")[:50].strip("-")
            taken = {*self.names.values(), *self.copies.values()}
            task = DraftTask(task_name(f"{self.names[name]}-{wanted}", taken), recipe.line)
            self.copies[name, *given] = task.name
            self.fill(task, recipe, given)
            task.notes.append(f"just {name} {' '.join(given)}")
            self.out.tasks.append(task)
        return self.copies[name, *given]

    # -- variables ---------------------------------------------------------------------------------------------

    def export(self, name: str) -> str | None:
        """The variable of the manifest that stands for one of the justfile; None where there is none."""
        if name not in self.values:
            return None
        variable = name.replace("-", "_")
        line, text = self.values[name]
        if variable in self.out.variables:
            return variable
        if variable_fault(variable) is not None:
            self.out.leave(line, name, "a variable cannot have this name")
            return None
        self.out.variables[variable] = ""  # one that uses itself ends here
        try:
            self.out.variables[variable] = self.field(text)
        except UnconvertibleError as error:
            del self.out.variables[variable]
            self.out.leave(line, f"{name} := {text}", str(error))
            return None
        return variable

    def field(self, text: str) -> str | dict[str, str]:
        """An expression as the value of a field. Raises UnconvertibleError."""
        pieces: list[str] = []
        tokens = list(tokens_of(text))
        for at, (kind, token) in enumerate(tokens):
            if kind == "string":
                pieces.append(literal(token).replace("${", "$${"))
            elif kind == "command":
                if len(tokens) > 1:
                    raise UnconvertibleError("a command's output is only a part of it")
                return {"run": token.strip("`").strip()}
            elif kind == "name":
                variable = self.export(token)
                if variable is None:
                    raise UnconvertibleError(f"{token} was not converted")
                pieces.append(f"${{{variable}}}")
            elif kind == "call":
                return _of_environment(token, tokens[at:]) if at == 0 else self.no_call(token)
            elif token == "/":
                pieces.append("/")
            elif token not in "+()":
                raise UnconvertibleError(f"the expression {text} is not understood")
        return "".join(pieces)

    @staticmethod
    def no_call(function: str) -> str:
        raise UnconvertibleError(f"the function {function}() has no counterpart")


class _Parameters:
    """The parameters of one recipe. ``variables``: the shell variable for each, ``@`` for one that takes all arguments that are
    left; ``defaults``: what such a one is without any; ``texts``: those that are always the same."""

    def __init__(self, owner: _Converter, task: DraftTask, recipe: _Recipe) -> None:
        self.owner = owner
        self.task = task
        self.written = words_of(recipe.parameters)
        self.variables: dict[str, str] = {}
        self.defaults: dict[str, str] = {}
        self.texts: dict[str, str] = {}

    def read(self, given: Sequence[str] | None) -> None:
        """Take them in; ``given``: arguments for them. Raises UnconvertibleError."""
        left = list(given or ())
        for text in self.written:
            parameter = _PARAMETER.fullmatch(text)
            if parameter is None:
                raise UnconvertibleError(f"the parameter {text} is not understood")
            name, default = parameter[4], parameter[5]
            if given is not None and (left or (parameter[2] == "*" and not default)):
                self.texts[name] = " ".join(left) if parameter[2] else left.pop(0)
                left = [] if parameter[2] else left
                if parameter[1] or parameter[3]:
                    self.task.keys.setdefault("env", {})[name] = self.texts[name].replace("${", "$${")
            elif parameter[2]:
                self.variables[name] = "@"
                if default:
                    self.defaults[name] = self.words(name, default)
            else:
                self.single(name, default)
        if left:
            raise UnconvertibleError(f"it is given too many arguments: {' '.join(left)}")

    def words(self, name: str, text: str) -> str:
        default = self.owner.field(text)
        if not isinstance(default, str) or re.search(r"""[{}"'`\\$\n]""", default):
            raise UnconvertibleError(f"{text}: this default of all arguments that are left has no counterpart")
        return default

    def single(self, name: str, text: str | None) -> None:
        self.variables[name] = variable = name.replace("-", "_")
        if variable_fault(variable) is not None:
            raise UnconvertibleError(f"{name} cannot be the name of a parameter")
        default = self.owner.field(text) if text else None
        if default is not None and not isinstance(default, str):
            raise UnconvertibleError(f"the default of {name} is a command's output")
        self.task.keys.setdefault("params", {})[variable] = {"required": True} if default is None else default

    def use(self, name: str, before: str, after: str) -> str | None:
        """How a script says a parameter behind the text ``before``; None where ``name`` is none."""
        if name in self.texts:
            return self.texts[name]
        if name in self.defaults:
            return placed(f"${{{'*' if quoting(before) else '@'}:-{self.defaults[name]}}}", before)
        if self.variables.get(name) == "@":
            return arguments(before)
        return reference(self.variables[name], before, after) if name in self.variables else None


class _Body:
    """The body of one recipe, to scripts."""

    def __init__(self, owner: _Converter, task: DraftTask, recipe: _Recipe, parameters: _Parameters) -> None:
        self.owner = owner
        self.task = task
        self.lines = recipe.body
        self.parameters = parameters

    def convert(self) -> None:
        """Fill in ``run``, and ``shell`` where the body names an interpreter."""
        texts = dedented([text for _, text in self.lines])
        if texts and texts[0].startswith("#!"):
            self.task.keys["shell"] = _interpreter(texts[0])
            self.task.keys["run"] = self.filled("\n".join(texts[1:])) + "\n"
            return
        scripts = [script for text in joined_lines(texts) if (script := self.line(text))]
        if scripts:
            self.task.keys["run"] = scripts[0] if len(scripts) == 1 else scripts

    def line(self, text: str) -> str:
        marks = re.match(r"[@-]*", text)
        prefix = marks[0] if marks else ""
        script = self.filled(text[len(prefix) :]).strip()
        if not script or script.startswith("#"):
            return ""
        script = _LISTS.sub("exarp list", script)
        return f"{{ {script}; }} || :" if "-" in prefix else script

    def filled(self, text: str) -> str:
        """``text`` with a shell variable for each ``{{…}}``. Raises UnconvertibleError."""
        pieces: list[str] = []
        at = 0
        for use in _INTERPOLATION.finditer(text):
            pieces.append(text[at : use.start()])
            at = use.end()
            if use[0] == "{{{{":
                pieces.append("{{")
                continue
            pieces.append(self.use(use[1].strip(), "".join(pieces), text[at : at + 1]))
        return tidy("".join([*pieces, text[at:]]))

    def use(self, expression: str, before: str, after: str) -> str:
        if (parameter := self.parameters.use(expression, before, after)) is not None:
            return parameter
        if re.fullmatch(_NAME, expression):
            variable = self.owner.export(expression)
            if variable is None:
                raise UnconvertibleError(f"it uses {expression}, which was not converted")
            return reference(variable, before, after)
        tokens = list(tokens_of(expression))
        if len(tokens) == 1 and tokens[0][0] == "string":
            return literal(tokens[0][1])
        if expression in ("justfile_directory()", "justfile_dir()", "invocation_directory()"):
            return reference("PWD", before, after)
        found = re.fullmatch(r"""env(?:_var)?\(\s*["'](\w+)["']\s*\)""", expression)
        if found:
            return reference(found[1], before, after)
        raise UnconvertibleError(f"{{{{{expression}}}}} has no counterpart in a script: put it into a variable")


def _platforms(recipe: _Recipe) -> list[str] | None:
    """Where a recipe is for; None: everywhere."""
    named = [name for name, _ in recipe.attributes if name in _PLATFORMS]
    return unique(each for name in named for each in _PLATFORMS[name]) if named else None


def _of_environment(function: str, tokens: Sequence[tuple[str, str]]) -> str:
    """``env("X", "default")`` and its older names, as a field says it."""
    strings = [literal(token) for kind, token in tokens if kind == "string"]
    plain = [kind for kind, token in tokens[1:] if token not in (",", ")")]
    if function in ("env", "env_var", "env_var_or_default") and plain == ["string"] * len(strings) and strings:
        if len(strings) == 1:
            return f"${{env.{strings[0]}}}"
        if "}" not in strings[1]:
            return f"${{env.{strings[0]}:-{strings[1]}}}"
    raise UnconvertibleError(f"the function {function}() has no counterpart")


def _interpreter(line: str) -> list[str]:
    words = line[2:].split()
    name = words[-1].rpartition("/")[2] if words else ""
    if len(words) == 2 and words[0].endswith("/env") and name in _INTERPRETERS:
        return [name, _INTERPRETERS[name]]
    if len(words) == 1 and name in _INTERPRETERS:
        return [words[0], _INTERPRETERS[name]]
    if len(words) == 2 and words[1].startswith("-") and (program := words[0].rpartition("/")[2]) in _INTERPRETERS:
        return [words[0], words[1], _INTERPRETERS[program]]
    raise UnconvertibleError(f"the interpreter {line[2:].strip()} is not known to take a script as an argument")
