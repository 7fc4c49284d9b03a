"""A justfile as a draft manifest: recipes become tasks, their parameters params.

Knows just's syntax as far as justfiles of people use it, and how exarp says the same: each line of a recipe is a shell of its
own in both. Source: the just manual. Evaluates nothing but literal text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from exarp.manifests.foreign.draft import Draft, DraftTask, UnconvertibleError, task_name, unique
from exarp.manifests.foreign.shell_text import arguments, reference, tidy
from exarp.model.name import variable_fault

_NAME = r"[A-Za-z_][\w-]*"
_ASSIGNMENT = re.compile(rf"(export\s+)?({_NAME})\s*:=\s*(.*)", re.DOTALL)
_SETTING = re.compile(r"set\s+([\w-]+)\s*(?::=\s*(.*))?", re.DOTALL)
_ALIAS = re.compile(rf"alias\s+({_NAME})\s*:=\s*({_NAME}(?:::{_NAME})*)")
_HEADER = re.compile(rf"(@?)({_NAME})((?:\s[^:]*)?):(?!=)(.*)", re.DOTALL)
_PARAMETER = re.compile(rf"(\$?)([+*]?)(\$?)({_NAME})(?:=(.*))?", re.DOTALL)
_INTERPOLATION = re.compile(r"\{\{\{\{|\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>'''.*?'''|\"\"\".*?\"\"\"|'[^']*'|"(?:\\.|[^"\\])*")|(?P<command>```.*?```|`[^`]*`)"""
    r"""|(?P<call>[A-Za-z_]\w*)\(|(?P<name>[A-Za-z_][\w-]*)|(?P<mark>[+/(),]))""",
    re.DOTALL,
)
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
_PLATFORMS = {"linux": ["linux"], "macos": ["macos"], "unix": ["linux", "macos"], "windows": []}


class _Line(NamedTuple):
    number: int
    text: str
    indented: bool


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

    # -- lines -------------------------------------------------------------------------------------------------

    def read(self, text: str) -> None:
        """Take a justfile's text in."""
        lines = iter(_lines(text))
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
                attributes += _attributes(stripped)
            else:
                body = self.statement(line, stripped, attributes, comment)
                attributes, comment = [], ""

    def statement(
        self, line: _Line, text: str, attributes: list[tuple[str, str]], comment: str
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

    def setting(self, line: _Line, text: str, name: str, value: str | None) -> None:
        if name == "shell" and value:
            words = re.findall(r"""'([^']*)'|"([^"]*)\"""", value)
            self.out.settings["shell"] = [one or other for one, other in words]
        elif name in ("dotenv-load", "dotenv-filename", "dotenv-path"):
            if (value or "true") != "false":
                found = re.fullmatch(r"""["'](.*)["']""", value or "")
                self.out.settings["dotenv"] = [found[1] if found else ".env"]
        elif name not in _IGNORED_SETTINGS and name not in ("export", "positional-arguments"):
            self.out.leave(line.number, text, "this setting has no counterpart")

    def imported(self, line: _Line, text: str) -> None:
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
            if recipe.comment:
                task.keys["description"] = recipe.comment
            self.attributes(task, recipe)
            parameters = self.parameters(task, recipe)
            needs = self.needs(recipe)
            if needs:
                task.keys["needs"] = needs
            _Body(self, task, recipe, parameters).convert()
        except UnconvertibleError as error:
            self.out.leave(recipe.line, recipe.name, str(error))
            return
        if "run" not in task.keys and "needs" not in task.keys:
            self.out.leave(recipe.line, recipe.name, "it runs nothing and needs no other recipe")
            return
        if recipe.name in self.aliases:
            task.keys["aliases"] = self.aliases[recipe.name]
        self.out.tasks.append(task)

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

    def parameters(self, task: DraftTask, recipe: _Recipe) -> dict[str, str]:
        """Which shell variable holds each parameter; ``@`` for one that takes all arguments that are left."""
        found: dict[str, str] = {}
        for text in _words(recipe.parameters):
            parameter = _PARAMETER.fullmatch(text)
            if parameter is None:
                raise UnconvertibleError(f"the parameter {text} is not understood")
            name = parameter[4]
            if parameter[2]:
                found[name] = "@"
                if parameter[5]:
                    raise UnconvertibleError(f"{text}: arguments after -- have no default")
                continue
            found[name] = variable = name.replace("-", "_")
            if variable_fault(variable) is not None:
                raise UnconvertibleError(f"{name} cannot be the name of a parameter")
            default = self.field(parameter[5]) if parameter[5] else None
            if default is not None and not isinstance(default, str):
                raise UnconvertibleError(f"the default of {name} is a command's output")
            task.keys.setdefault("params", {})[variable] = {"required": True} if default is None else default
        return found

    def needs(self, recipe: _Recipe) -> list[str]:
        before, behind, _ = recipe.needs.partition("&&")
        if behind:
            raise UnconvertibleError("what runs after it (&&) has no counterpart")
        found = []
        for text in _words(before):
            if text.startswith("("):
                raise UnconvertibleError(f"it gives arguments to what it needs: {text}")
            if text not in self.names:
                raise UnconvertibleError(f"it needs {text}, which is not here")
            found.append(self.names[text])
        return unique(found)

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
        tokens = list(_tokens(text))
        for at, (kind, token) in enumerate(tokens):
            if kind == "string":
                pieces.append(_literal(token).replace("${", "$${"))
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


class _Body:
    """The body of one recipe, to scripts."""

    def __init__(self, owner: _Converter, task: DraftTask, recipe: _Recipe, parameters: dict[str, str]) -> None:
        self.owner = owner
        self.task = task
        self.lines = recipe.body
        self.parameters = parameters

    def convert(self) -> None:
        """Fill in ``run``, and ``shell`` where the body names an interpreter."""
        texts = _dedented([text for _, text in self.lines])
        if texts and texts[0].startswith("#!"):
            self.task.keys["shell"] = _interpreter(texts[0])
            self.task.keys["run"] = self.filled("\n".join(texts[1:])) + "\n"
            return
        scripts = [script for text in _joined(texts) if (script := self.line(text))]
        if scripts:
            self.task.keys["run"] = scripts[0] if len(scripts) == 1 else scripts

    def line(self, text: str) -> str:
        marks = re.match(r"[@-]*", text)
        prefix = marks[0] if marks else ""
        script = self.filled(text[len(prefix) :]).strip()
        if not script or script.startswith("#"):
            return ""
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
        if self.parameters.get(expression) == "@":
            return arguments(before)
        if expression in self.parameters:
            return reference(self.parameters[expression], before, after)
        if re.fullmatch(_NAME, expression):
            variable = self.owner.export(expression)
            if variable is None:
                raise UnconvertibleError(f"it uses {expression}, which was not converted")
            return reference(variable, before, after)
        tokens = list(_tokens(expression))
        if len(tokens) == 1 and tokens[0][0] == "string":
            return _literal(tokens[0][1])
        if expression in ("justfile_directory()", "justfile_dir()", "invocation_directory()"):
            return reference("PWD", before, after)
        found = re.fullmatch(r"""env(?:_var)?\(\s*["'](\w+)["']\s*\)""", expression)
        if found:
            return reference(found[1], before, after)
        raise UnconvertibleError(f"{{{{{expression}}}}} has no counterpart in a script: put it into a variable")


def _lines(text: str) -> Iterator[_Line]:
    """Lines; those of a recipe's body are indented. Strings, lists and parentheses of several lines are one."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        start, joined = at, lines[at]
        indented = joined[:1] in (" ", "\t") and bool(joined.strip())
        if not indented:
            while at + 1 < len(lines) and (_open(joined) or joined.endswith("\\")):
                at += 1
                joined = f"{joined.removesuffix(chr(92))}\n{lines[at]}"
            joined = _without_comment(joined)
        yield _Line(start + 1, joined, indented)
        at += 1


def _open(text: str) -> bool:
    """Whether a string or a parenthesis of a justfile goes on in the next line."""
    if text.lstrip().startswith("#"):
        return False
    for mark in ("'''", '"""', "```"):
        if text.count(mark) % 2:
            return True
    if re.search(r"'''|\"\"\"|```", text):
        return False
    bare = re.sub(r"""'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`|\#.*""", "", text)
    if not re.match(r"[\w\s-]*:=", text):
        return False
    return "'" in bare or sum(map(bare.count, "([{")) > sum(map(bare.count, ")]}"))


def _without_comment(text: str) -> str:
    if text.lstrip().startswith("#"):
        return text
    found = re.match(
        r"""(?:'''.*?'''|\"\"\".*?\"\"\"|'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`|[^#'"`]|['"`])*""", text, re.DOTALL
    )
    return (found[0] if found else text).rstrip()


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    for found in re.finditer(r"""([a-z-]+)\s*(?:[(:]\s*["']([^"']*)["']\)?)?\s*[,\]]""", text):
        yield found[1], found[2] or ""


def _platforms(recipe: _Recipe) -> list[str] | None:
    """Where a recipe is for; None: everywhere."""
    named = [name for name, _ in recipe.attributes if name in _PLATFORMS]
    return unique(each for name in named for each in _PLATFORMS[name]) if named else None


def _words(text: str) -> list[str]:
    """Words, where strings and parentheses are in one piece."""
    return re.findall(r"""(?:\([^)]*\)|'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`|[^\s'"`(])+""", text)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    text = text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise UnconvertibleError(f"the expression {text} is not understood")
        if found["name"] in ("if", "else"):
            raise UnconvertibleError("what depends on a condition has no counterpart")
        yield found.lastgroup, found[found.lastgroup]
        at = found.end()


def _literal(token: str) -> str:
    inner = token[1:-1]
    if token.startswith(("'''", '"""')):
        inner = "\n".join(_dedented(token[3:-3].removeprefix("\n").split("\n")))
    if token[0] == '"':
        escapes = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}
        inner = re.sub(r"\\(.)", lambda found: escapes.get(found[1], found[1]), inner, flags=re.DOTALL)
    return inner


def _of_environment(function: str, tokens: Sequence[tuple[str, str]]) -> str:
    """``env("X", "default")`` and its older names, as a field says it."""
    strings = [_literal(token) for kind, token in tokens if kind == "string"]
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


def _dedented(lines: list[str]) -> list[str]:
    """Lines without the indentation that all share, and without empty ones at the end."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    depth = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return [line[depth:] for line in lines]


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """Lines of a body, with those that end in a backslash joined to the next, as a shell would."""
    waiting = ""
    for line in lines:
        waiting += line
        if line.endswith("\\"):
            waiting += "\n"
            continue
        yield waiting
        waiting = ""
    if waiting:
        yield waiting
