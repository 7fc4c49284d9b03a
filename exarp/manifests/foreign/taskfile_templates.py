"""The templates of a Taskfile, ``{{.NAME}}``, as scripts and fields say the same.

Knows the plain uses of Go's templates: names, defaults, ``if`` around a piece of text. A name is a shell variable in scripts;
where its text is more than words to a shell, it is pasted, as go-task does. Evaluates nothing. Does not know tasks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from exarp.manifests.foreign.draft import UnconvertibleError
from exarp.manifests.foreign.shell_text import arguments, placed, quoting, reference, tidy
from exarp.model.name import variable_fault

_TEMPLATE = re.compile(r"\{\{(-?)\s*(.*?)\s*(-?)\}\}", re.DOTALL)
_NAME = r"\.([A-Za-z_]\w*)"
_VARIABLE = re.compile(_NAME)
_LITERAL = re.compile(r"""["`]([^"`\\]*)["`]""")
# The name, and what counts where it is empty: text, or another name.
_DEFAULT = re.compile(
    rf"""{_NAME}\s*\|\s*default\s+(?:["'`]([^"'`\\]*)["'`]|{_NAME})|default\s+(?:["'`]([^"'`\\]*)["'`]|{_NAME})\s+{_NAME}"""
)
_QUOTED = re.compile(rf"(?:shellQuote|quote|q)\s+{_NAME}|{_NAME}\s*\|\s*(?:shellQuote|quote|q)")
_OPENS = re.compile(r"(?:if|range|with|block|define)\b")
# Where a variable in the place of a text would mean something else to a shell.
_SPECIAL = re.compile(r"""["'`\\;|&<>(){}#~$\n]""")
_USES = re.compile(r"\$\{\w+(?::[-+][^{}]*)?\}")
_FOLDERS = frozenset(("TASKFILE_DIR", "ROOT_DIR"))
# What only go-task knows, while it runs.
_OF_RUN = frozenset(
    ("MATCH", "CHECKSUM", "TIMESTAMP", "TASK_VERSION", "TASK_EXE", "TASKFILE", "ITEM", "KEY", "EXIT_CODE")
)
_SYSTEM = {
    "OS": "uname -s | tr '[:upper:]' '[:lower:]'",
    "ARCH": "uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/'",
}


class Binding(msgspec.Struct):
    """What a name means. ``variable``: the shell variable that holds it, if one does; ``text``: what it was written as, None
    where only a run knows; ``scope``: where the names in that text are looked up; ``field``: how a field says it, if it can;
    ``param``: whoever runs the task may give another."""

    variable: str = ""
    text: str | None = None
    scope: Scope | None = None
    field: str | None = None
    param: bool = False


class Scope(msgspec.Struct):
    """The names that a task sees, and what is outside of it. ``task``: its own name."""

    task: str = ""
    names: dict[str, Binding] = {}
    outer: Scope | None = None

    def find(self, name: str) -> Binding | None:
        """What ``name`` means here, if anything says so."""
        found = self.names.get(name)
        return found if found is not None or self.outer is None else self.outer.find(name)


class _Token(NamedTuple):
    """A piece of text, or a template with its words."""

    text: str
    words: str | None = None


class Templates:
    """Templates of one Taskfile. ``variables``: those of the manifest, to which names are added that nothing defines."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self.variables = variables
        self.root = Scope()
        self.pasted: dict[str, None] = {}
        self._pasting: list[int] = []

    # -- scripts -----------------------------------------------------------------------------------------------

    def script(self, text: str, scope: Scope) -> str:
        """A command with shell variables for its templates. Raises UnconvertibleError."""
        return tidy(self._walk(_tokens(text), scope, ""))

    def _walk(self, tokens: Sequence[_Token], scope: Scope, before: str) -> str:
        written, at = "", 0
        while at < len(tokens):
            token = tokens[at]
            at += 1
            if token.words is None:
                written += token.text
            elif token.words.startswith("if "):
                end = _end(tokens, at, token)
                written += self._conditional(token, tokens[at:end], scope, before + written)
                at = end + 1
            else:
                after = tokens[at].text[:1] if at < len(tokens) and tokens[at].words is None else ""
                written += self._use(token, scope, before + written, after)
        return written

    def _conditional(self, token: _Token, body: Sequence[_Token], scope: Scope, before: str) -> str:
        found = _VARIABLE.fullmatch((token.words or "").removeprefix("if ").strip())
        if found is None or any((each.words or "").startswith("else") for each in body):
            raise _no_counterpart(token)
        inside = quoting(before)
        text = self._walk(body, scope, before)
        bare = _USES.sub("", text)
        if re.search(r"[{}\n]", bare) or inside not in ("", '"') or (inside and '"' in text) or quoting(text):
            raise _no_counterpart(token)
        variable = "1" if found[1] == "CLI_ARGS" else self._variable(found[1], scope)
        return f"${{{variable}:+{text}}}"

    def _use(self, token: _Token, scope: Scope, before: str, after: str) -> str:
        words = token.words or ""
        if found := _VARIABLE.fullmatch(words):
            return self._named(found[1], token, scope, before, after)
        if found := _DEFAULT.fullmatch(words):
            return self._default(found, token, scope, before)
        if found := _QUOTED.fullmatch(words):
            name = found[1] or found[2]
            written = arguments(before) if name == "CLI_ARGS" else f"${self._variable(name, scope)}"
            return f'"{written}"' if not quoting(before) and written[0] != '"' else placed(written, before)
        if found := _LITERAL.fullmatch(words):
            return found[1]
        if words in _SYSTEM:
            return reference(self._system(words), before, after)
        if words == "exeExt" or words.startswith("/*"):
            return ""
        raise _no_counterpart(token)

    def _named(self, name: str, token: _Token, scope: Scope, before: str, after: str) -> str:
        if name == "TASK" and scope.task:
            return scope.task
        binding = scope.find(name)
        if binding is None:
            if name == "CLI_ARGS":
                return arguments(before)
            return reference(self._variable(name, scope, token), before, after)
        if binding.text is not None and (not binding.variable or _SPECIAL.search(_TEMPLATE.sub("", binding.text))):
            if id(binding) in self._pasting:
                raise UnconvertibleError(f"{name} is made of itself")
            self._pasting.append(id(binding))
            written = self._walk(_tokens(binding.text), binding.scope or self.root, before)
            self._pasting.pop()
            self.pasted[name] = None
            return written
        if binding.variable:
            return reference(binding.variable, before, after)
        raise UnconvertibleError(f"{token.text} has no counterpart in a script")

    def _default(self, found: re.Match[str], token: _Token, scope: Scope, before: str) -> str:
        name, text, other = _parts(found)
        if other:
            text = self._walk([_Token(f"{{{{.{other}}}}}", f".{other}")], scope, '"')
        if re.search(r"[{}\"'`\\\n]", _USES.sub("", text)) or (not other and "$" in text):
            raise _no_counterpart(token)
        if name != "CLI_ARGS" or scope.find(name) is not None:
            return placed(f"${{{self._variable(name, scope, token)}:-{text}}}", before)
        if quoting(before):
            return placed(f"${{*:-{text}}}", before)
        return f'"${{@:-{text}}}"' if not re.search(r"[\s$*?]", text) else f"${{@:-{text}}}"

    def _variable(self, name: str, scope: Scope, token: _Token | None = None) -> str:
        """The shell variable for a name, which is the environment's where nothing defines it. Raises UnconvertibleError."""
        binding = scope.find(name)
        if binding is None:
            if name in _FOLDERS:
                self.variables["ROOT_DIR"] = {"run": "pwd"}
                return "ROOT_DIR"
            if name == "USER_WORKING_DIR":
                return "PWD"
            if name in _OF_RUN or name.startswith("CLI_"):
                raise _no_counterpart(token or _Token(f"{{{{.{name}}}}}"))
            if variable_fault(name) is None:
                # go-task takes it from the environment, and makes nothing of one that is not there.
                self.variables.setdefault(name, f"${{env.{name}:-}}")
                self.root.names[name] = Binding(name, field=f"${{{name}}}")
            return name
        if not binding.variable:
            raise UnconvertibleError(f"{{{{.{name}}}}} has no counterpart in a script")
        return binding.variable

    def _system(self, name: str) -> str:
        variable = name if name not in self.root.names else f"{name}_NAME"
        self.variables.setdefault(variable, {"run": _SYSTEM[name]})
        return variable

    # -- fields ------------------------------------------------------------------------------------------------

    def field(self, text: str, scope: Scope, own: str = "", path: bool = False) -> str:
        """A text with templates as the value of a field; ``own``: the variable whose value it is; ``path``: it is one, from the
        manifest's folder. Raises UnconvertibleError."""
        pieces = [
            token.text.replace("${", "$${") if token.words is None else self._in_field(token, scope, own, path)
            for token in _tokens(text)
        ]
        return "".join(pieces)

    def path(self, text: str, scope: Scope) -> str:
        """A path with templates. Raises UnconvertibleError."""
        return self.field(text, scope, path=True).removeprefix("./") or "."

    def _in_field(self, token: _Token, scope: Scope, own: str, path: bool) -> str:
        words = token.words or ""
        if found := _VARIABLE.fullmatch(words):
            return self._field_of(found[1], token, scope, own, path)
        if found := _DEFAULT.fullmatch(words):
            name, text, other = _parts(found)
            if not other and "}" not in text and (name == own or scope.find(name) is None):
                return f"${{env.{name}:-{text}}}"
        if found := _LITERAL.fullmatch(words):
            return found[1].replace("${", "$${")
        if words in _SYSTEM:
            return f"${{{self._system(words)}}}"
        if words == "exeExt" or words.startswith("/*"):
            return ""
        raise _no_counterpart(token)

    def _field_of(self, name: str, token: _Token, scope: Scope, own: str, path: bool) -> str:
        if name == "TASK" and scope.task:
            return scope.task
        binding = scope.find(name) if name != own else None
        if binding is None:
            if name in _FOLDERS or name == "USER_WORKING_DIR":
                return "." if path else f"${{{self._variable('ROOT_DIR', scope)}}}"
            if name in _OF_RUN or name.startswith("CLI_"):
                raise _no_counterpart(token)
            return f"${{env.{name}:-}}"
        if path and self.is_rooted(binding.text or "", binding.scope or self.root):
            return self.field(binding.text or "", binding.scope or self.root, path=True)
        if binding.field is None:
            raise UnconvertibleError(f"{token.text} has no counterpart in a field")
        return binding.field

    def is_rooted(self, text: str, scope: Scope, depth: int = 0) -> bool:
        """Whether a text begins with the folder of the manifest."""
        first = _tokens(text)[0].words
        found = _VARIABLE.fullmatch(first) if first else None
        if found is None or depth > 20:
            return False
        inner = scope.find(found[1])
        if inner is None:
            return found[1] in _FOLDERS
        return self.is_rooted(inner.text or "", inner.scope or self.root, depth + 1)

    def quoted(self, text: str, scope: Scope) -> str:
        """A text with templates as one word of a shell. Raises UnconvertibleError."""
        if re.fullmatch(r"[\w./:=+,@%^-]+", text):
            return text
        pieces = ['"']
        tokens = _tokens(text)
        for token, behind in zip(tokens, [*tokens[1:], _Token("")], strict=True):
            if token.words is None:
                pieces.append(re.sub(r'([\\"$`])', r"\\\1", token.text))
            elif token.words == ".CLI_ARGS" and scope.find("CLI_ARGS") is None:
                pieces.append("$*")
            else:
                pieces.append(self._use(token, scope, "".join(pieces), behind.text[:1]))
        return "".join([*pieces, '"'])

    def default_of(self, name: str, text: str) -> str | None:
        """The plain text that a variable has where nobody gives it another: ``{{.X | default "…"}}`` of X itself."""
        template = _TEMPLATE.fullmatch(text)
        found = _DEFAULT.fullmatch(template[2]) if template else None
        if found is None:
            return None
        of, plain, other = _parts(found)
        return plain if of == name and not other else None


def mentioned(text: str) -> set[str]:
    """The names in the templates of a text."""
    return {name for found in _TEMPLATE.finditer(text) for name in _VARIABLE.findall(found[2])}


def _parts(found: re.Match[str]) -> tuple[str, str, str]:
    """Of a default: the name, the text where it is empty, or the name that counts then."""
    return found[1] or found[6], found[2] or found[4] or "", found[3] or found[5] or ""


def _tokens(text: str) -> list[_Token]:
    """At least one; white space is cut where a template asks for it."""
    found: list[_Token] = []
    at, cut = 0, False
    for template in _TEMPLATE.finditer(text):
        between = text[at : template.start()]
        between = between.lstrip() if cut else between
        found += [_Token(between.rstrip() if template[1] else between), _Token(template[0], template[2])]
        at, cut = template.end(), bool(template[3])
    rest = text[at:]
    found.append(_Token(rest.lstrip() if cut else rest))
    return [token for token in found if token.words is not None or token.text] or [_Token("")]


def _end(tokens: Sequence[_Token], at: int, opened: _Token) -> int:
    """Where the ``end`` of what was opened stands. Raises UnconvertibleError."""
    depth = 1
    for index in range(at, len(tokens)):
        words = tokens[index].words or ""
        depth += bool(_OPENS.match(words)) - (words == "end")
        if depth == 0:
            return index
    raise _no_counterpart(opened)


def _no_counterpart(token: _Token) -> UnconvertibleError:
    return UnconvertibleError(f"the template {token.text} has no counterpart")
