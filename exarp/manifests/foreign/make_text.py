"""A Makefile's text: its lines, conditions, variables and rules.

Knows GNU make's syntax as far as makefiles of people use it, and fills references in. Does not know manifests; what it cannot
read is told to whoever asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

import msgspec

from exarp.manifests.foreign.draft import UnconvertibleError
from exarp.manifests.foreign.make_functions import (
    ARGUMENTS,
    Glob,
    call,
    reference_end,
    split_arguments,
    split_outside,
    substituted,
)
from exarp.manifests.foreign.make_lines import Line, logical_lines, without_comment

_ASSIGNMENT = re.compile(
    r"((?:(?:export|override|private)\s+)*)([^\s:#=!?+]+)\s*(:{0,3}=|\?=|\+=|!=)\s?\s*(.*)", re.DOTALL
)
_DEFINE = re.compile(r"(?:(?:export|override)\s+)*define\s+([^\s=:]+)\s*(:{0,3}=|\?=|\+=)?\s*$")
_FUNCTION = re.compile(r"([a-z-]+)\s+(.*)", re.DOTALL)
_CONDITION = re.compile(r"(ifeq|ifneq|ifdef|ifndef)\b\s*(.*)", re.DOTALL)
_QUOTED = re.compile(r"""\s*(["'])(.*?)\1\s*(["'])(.*?)\3\s*$""")
# Deeper than any makefile that works.
_DEPTH = 60
_LOGIC = frozenset(("if", "or", "and", "foreach", "call", "info", "warning", "error", "origin", "flavor", "value"))
_NO_WORD = "it rests on what a shell command prints: say --shell to run such commands now"
# What make knows without being told.
_BUILT_IN = {
    "CC": "cc", "CXX": "g++", "AR": "ar", "ARFLAGS": "rv", "AS": "as", "LD": "ld", "RM": "rm -f", "MAKE": "make",
    "CPP": "cc -E", "FC": "f77", "LEX": "lex", "YACC": "yacc", "CURDIR": ".", "MAKEFILE_LIST": "Makefile",
    "COMPILE.c": "$(CC) $(CFLAGS) $(CPPFLAGS) -c", "LINK.c": "$(CC) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS)",
    "COMPILE.cc": "$(CXX) $(CXXFLAGS) $(CPPFLAGS) -c", "LINK.cc": "$(CXX) $(CXXFLAGS) $(CPPFLAGS) $(LDFLAGS)",
    "COMPILE.cpp": "$(COMPILE.cc)", "LINK.cpp": "$(LINK.cc)", "LINK.o": "$(CC) $(LDFLAGS)", "OUTPUT_OPTION": "-o $@",
}  # fmt: skip


class See(Protocol):
    """What a reference becomes: text instead of the variable's value, or None for its value."""

    def __call__(self, name: str, before: str, after: str) -> str | None:
        """``before``: the text, filled in, up to the reference; ``after``: the character behind it, or nothing."""


class _Seen(NamedTuple):
    """A reference that ``see`` is asked about, and the text around it."""

    see: See
    before: str
    after: str
    recipe: bool

    def inside(self, name: str, before: str, after: str) -> str | None:
        """Asked about a reference in the text that is pasted here."""
        return self.see(name, self.before + before, after or self.after)


class Variable(msgspec.Struct):
    """A variable as written. ``fallback``: the environment goes before (``?=``); ``added``: what is appended all the same.
    ``shell``: the value is what a command prints."""

    value: str
    line: int
    added: str = ""
    fallback: bool = False
    shell: bool = False


class Rule(msgspec.Struct):
    """A rule with its names filled in. ``pattern``: of a static pattern rule, what its targets fit. ``recipe``: lines with
    their numbers, references not filled in. ``grouped``: one recipe makes all targets at once; ``again``: ``::``, one of several
    recipes. ``description``: what stands behind ``##``. ``file``:
    an included one, or empty."""

    line: int
    targets: list[str]
    needs: list[str]
    order_only: list[str]
    pattern: str = ""
    grouped: bool = False
    again: bool = False
    description: str = ""
    file: str = ""
    recipe: list[tuple[int, str]] = []


class Makefile:
    """A makefile that was read. ``told(line, text, why, file)`` is told what could not be.

    ``include``: the text of an included file, or None; ``glob``: the files that match a pattern; ``shell``: what a command
    prints, or None where no command is to be run.
    """

    def __init__(
        self,
        told: Callable[[int, str, str, str], None],
        include: Callable[[str], str | None],
        glob: Glob,
        shell: Callable[[str], str] | None,
    ) -> None:
        self._told = told
        self._file = ""
        self.include = include
        self.glob = glob
        self.shell = shell
        self.variables: dict[str, Variable] = {}
        self.rules: list[Rule] = []
        self.phony: set[str] = set()
        self.goal = ""
        self.one_shell = False
        self._specific: dict[str, dict[str, str]] = {}

    def leave(self, line: int, text: str, why: str) -> None:
        """Say that something in the file that is being read could not be."""
        self._told(line, text, why, self._file)

    # -- lines -------------------------------------------------------------------------------------------------

    def read(self, text: str, depth: int = 0) -> None:
        """Take a makefile's text in."""
        lines = iter(list(logical_lines(text)))
        conditions: list[list[bool]] = []
        rule: list[Rule] = []
        for line in lines:
            bare = line.text if line.recipe and rule else without_comment(line.text).strip()
            if not (line.recipe and rule) and self._condition(line, bare, conditions):
                continue
            if not all(condition[0] for condition in conditions):
                continue
            if line.recipe and rule:
                for each in rule:
                    each.recipe.append((line.number, line.text))
            elif bare:
                rule = self._statement(line, bare, lines, rule, depth)

    def _condition(self, line: Line, bare: str, conditions: list[list[bool]]) -> bool:
        """Whether a line is one of a condition; each is a pair: it holds here, it has held so far."""
        word = bare.partition(" ")[0]
        if word == "endif" and conditions:
            conditions.pop()
        elif word == "else" and conditions:
            rest = bare[4:].strip()
            held = conditions[-1][1]
            holds = not held and (not rest or self._holds(line, rest))
            conditions[-1] = [holds, held or holds]
        elif _CONDITION.match(bare):
            active = all(condition[0] for condition in conditions)
            holds = active and self._holds(line, bare)
            conditions.append([holds, holds])
        else:
            return False
        return True

    def _holds(self, line: Line, bare: str) -> bool:
        found = _CONDITION.match(bare)
        if found is None:
            self.leave(line.number, bare, "this condition is not understood")
            return False
        word, rest = found[1], found[2].strip()
        try:
            if word in ("ifdef", "ifndef"):
                defined = self._raw(self.expand(rest)) != ""
                holds = defined == (word == "ifdef")
            else:
                one, other = self._sides(rest)
                holds = (self.expand(one).strip() == self.expand(other).strip()) == (word == "ifeq")
        except UnconvertibleError as error:
            self.leave(line.number, bare, f"taken for false: {error}")
            return False
        self.leave(line.number, bare, f"decided now, for good: {'it holds' if holds else 'it does not hold'}")
        return holds

    def _sides(self, text: str) -> tuple[str, str]:
        if text.startswith("(") and (end := reference_end(text, 0)) > 0:
            one, *other = split_arguments(text[1:end], 2)
            return one.strip(), (other or [""])[0].strip()
        if quoted := _QUOTED.match(text):
            return quoted[2], quoted[4]
        raise UnconvertibleError("its two sides are not understood")

    def _statement(self, line: Line, bare: str, lines: Iterator[Line], rule: list[Rule], depth: int) -> list[Rule]:
        """Take one line in; the rules that recipe lines after it belong to."""
        word, _, rest = bare.partition(" ")
        if define := _DEFINE.match(bare):
            self._define(define, line, lines)
        elif word in ("include", "-include", "sinclude"):
            self._include(line, rest, depth, missing_is_fine=word != "include")
        elif assignment := _ASSIGNMENT.fullmatch(bare):
            self._assign(assignment[2], assignment[3], assignment[4], line)
        elif word in ("export", "unexport"):
            if rest or word == "unexport":
                self.leave(
                    line.number,
                    bare,
                    "which variables child processes see: exarp gives each script those that it names",
                )
            else:
                self.leave(line.number, bare, "exarp gives each script the variables that it names")
        elif word in ("vpath", "undefine", "load", "-load"):
            self.leave(line.number, bare, f"{word} has no counterpart")
        elif ":" in bare:
            return self._rule(line, bare)
        else:
            self._call(line, bare)
            return rule
        return []

    def _call(self, line: Line, bare: str) -> None:
        try:
            left = self.expand(bare).strip()
        except UnconvertibleError as error:
            self.leave(line.number, bare, str(error))
            return
        if left:
            self.leave(line.number, bare, "this line is not understood")

    def _define(self, define: re.Match[str], line: Line, lines: Iterator[Line]) -> None:
        body = []
        for inner in lines:
            if inner.text.strip() == "endef":
                break
            body.append(f"\t{inner.text}" if inner.recipe else inner.text)
        self.variables[define[1]] = Variable("\n".join(piece.removeprefix("\t") for piece in body), line.number)

    def _include(self, line: Line, names: str, depth: int, missing_is_fine: bool) -> None:
        try:
            files = self.expand(names).split()
        except UnconvertibleError as error:
            self.leave(line.number, names, f"not included: {error}")
            return
        for file in [found for name in files for found in (self.glob(name) if "*" in name else [name])]:
            text = self.include(file) if depth < _DEPTH else None
            if text is not None:
                outer, self._file = self._file, file
                self.read(text, depth + 1)
                self._file = outer
            elif not missing_is_fine:
                self.leave(line.number, file, "not included: it is not there")

    # -- variables ---------------------------------------------------------------------------------------------

    def _assign(self, name: str, operator: str, value: str, line: Line) -> None:
        value = value.rstrip("\n")
        if name == ".DEFAULT_GOAL":
            self.goal = value.strip()
        elif operator == "!=":
            self.variables[name] = Variable(value, line.number, shell=True)
        elif operator == "?=":
            self.variables.setdefault(name, Variable(value, line.number, fallback=True))
        elif operator == "+=":
            known = self.variables.get(name) or Variable(_BUILT_IN.get(name, ""), line.number, fallback=True)
            field = "added" if known.fallback else "value"
            longer = f"{getattr(known, field)} {value}".strip()
            self.variables[name] = msgspec.structs.replace(known, **{field: longer})
        elif operator == "=":
            self.variables[name] = Variable(value, line.number)
        else:
            self.variables[name] = self._simple(value, line)

    def _simple(self, value: str, line: Line) -> Variable:
        """``:=``: what it stands for is settled where it stands, as far as it can be."""
        try:
            return Variable(self.expand(value).replace("$", "$$"), line.number)
        except UnconvertibleError:
            return Variable(value, line.number)

    def shell_command(self, name: str) -> str | None:
        """The command whose output is the whole of a variable's value; None where it is anything else."""
        variable = self.variables.get(name)
        if variable is None:
            return None
        if variable.shell:
            return variable.value
        value = variable.value.strip()
        if value.startswith("$(shell ") and reference_end(value, 1) == len(value) - 1:
            return value[len("$(shell ") : -1].strip()
        return None

    def _raw(self, name: str) -> str:
        name = name.strip()
        if name not in self.variables:
            return _BUILT_IN.get(name, "")
        variable = self.variables[name]
        return f"{variable.value} {variable.added}".strip()

    def value(self, name: str, depth: int = 0) -> str:
        """A variable's value, filled in; of one that nobody sets, what make knows of it, else nothing.

        Raises UnconvertibleError where only a run could tell.
        """
        if self.variables.get(name, Variable("", 0)).shell:
            return self.printed(self.expand(self._raw(name), depth=depth + 1))
        return self.expand(self._raw(name), depth=depth + 1)

    def knows(self, name: str) -> bool:
        """Whether the makefile sets a variable, or make does."""
        return name in self.variables or name in _BUILT_IN

    # -- references --------------------------------------------------------------------------------------------

    def expand(
        self,
        text: str,
        local: Mapping[str, str] | None = None,
        see: See | None = None,
        depth: int = 0,
        recipe: bool = False,
    ) -> str:
        """``text`` with every reference filled in. ``local``: values that go before variables. ``see``: what a reference to a
        variable becomes, where it is not its value. ``recipe``: a shell reads the text, and itself runs what ``$(shell …)``
        names.

        Raises UnconvertibleError.
        """
        if depth > _DEPTH:
            raise UnconvertibleError("a variable uses itself")
        local = local or {}
        pieces: list[str] = []
        at = 0
        while (dollar := text.find("$", at)) >= 0 and dollar + 1 < len(text):
            pieces.append(text[at:dollar])
            char = text[dollar + 1]
            if char == "$":
                pieces.append("$")
                at = dollar + 2
                continue
            end = reference_end(text, dollar + 1) if char in "({" else dollar + 1
            if end < 0:
                raise UnconvertibleError("a reference has no end")
            inner = text[dollar + 2 : end] if char in "({" else char
            seen = _Seen(see, "".join(pieces), text[end + 1 : end + 2], recipe) if see else None
            if recipe and inner.startswith("shell "):
                pieces.append(f"$({self.expand(inner[6:].strip(), local, see, depth + 1)})")
            else:
                pieces.append(self._reference(inner, local, seen, depth))
            at = end + 1
        return "".join([*pieces, text[at:]])

    def _reference(self, inner: str, local: Mapping[str, str], seen: _Seen | None, depth: int) -> str:
        function = _FUNCTION.fullmatch(inner)
        if function and (function[1] in ARGUMENTS or function[1] in _LOGIC or function[1] in ("shell", "eval")):
            return self._function(function[1], function[2], local, depth)
        name, colon, change = inner.partition(":")
        if colon and "=" in change and not name.startswith("$"):
            pattern, _, replacement = change.partition("=")
            pattern, replacement = (
                self.expand(pattern, local, None, depth + 1),
                self.expand(replacement, local, None, depth + 1),
            )
            base = local[name] if name in local else self.value(name, depth)
            return substituted(base, pattern, replacement)
        name = self.expand(inner, local, None, depth + 1) if "$" in inner else inner
        found = seen.see(name, seen.before, seen.after) if seen else None
        if found is not None:
            return found
        if name in local:
            return local[name]
        if len(name) == 2 and name[0] in local and name[1] in "DF":
            return call("dir" if name[1] == "D" else "notdir", [local[name[0]]], self.glob).rstrip("/") or "."
        if name and name[0] in "@<^+?*%|" and len(name) <= 2:
            raise UnconvertibleError(f"${name} has no counterpart here")
        if seen is None or self.variables.get(name, Variable("", 0)).shell:
            return self.value(name, depth)
        # What stands in the variable's place is seen as if it stood here.
        return self.expand(self._raw(name), local, seen.inside, depth + 1, seen.recipe)

    def _function(self, name: str, text: str, local: Mapping[str, str], depth: int) -> str:
        def filled(part: str) -> str:
            return self.expand(part, local, None, depth + 1)

        if name in ARGUMENTS:
            return call(name, [filled(part) for part in split_arguments(text, ARGUMENTS[name])], self.glob)
        if name == "if":
            test, *branches = split_arguments(text, 3)
            return filled((branches if filled(test).strip() else branches[1:] or [""])[0])
        if name in ("or", "and"):
            parts = [filled(part.strip()) for part in split_arguments(text, 1000)]
            if name == "or":
                return next((part for part in parts if part), "")
            return parts[-1] if all(parts) else ""
        if name == "foreach":
            variable, words, body = [*split_arguments(text, 3), "", ""][:3]
            each = [
                self.expand(body, {**local, filled(variable).strip(): word}, None, depth + 1)
                for word in filled(words).split()
            ]
            return " ".join(each)
        if name == "call":
            called, *arguments = [filled(part) for part in split_arguments(text, 1000)]
            numbered = {str(number): argument for number, argument in enumerate(arguments, 1)}
            return self.expand(self._raw(called), {**local, **numbered}, None, depth + 1)
        if name in ("info", "warning"):
            return ""
        if name == "value":
            return self._raw(filled(text))
        if name == "origin":
            return "file" if filled(text).strip() in self.variables else "undefined"
        if name == "shell":
            return self.printed(filled(text))
        raise UnconvertibleError(f"$({name} …) has no counterpart")

    def printed(self, command: str) -> str:
        """What a command prints, as make pastes it. Raises UnconvertibleError where none is to be run."""
        if self.shell is None:
            raise UnconvertibleError(_NO_WORD)
        return self.shell(command)

    # -- rules -------------------------------------------------------------------------------------------------

    def _rule(self, line: Line, bare: str) -> list[Rule]:
        try:
            return self._rules(line, bare)
        except UnconvertibleError as error:
            self.leave(line.number, bare, str(error))
            # Its recipe must not join the rule before.
            return [Rule(line.number, [], [], [])]

    def _rules(self, line: Line, bare: str) -> list[Rule]:
        head, recipe = split_outside(bare, ";")
        left, rest = split_outside(head, ":")
        rest = rest or ""
        again = rest.startswith(":")
        rest = rest.removeprefix(":")
        grouped = left.endswith("&")
        targets = self.expand(left.removesuffix("&")).split()
        if assignment := _ASSIGNMENT.fullmatch(rest.strip()):
            self._target_variable(line, bare, targets, assignment)
            return []
        middle, last = split_outside(rest, ":")
        pattern = self.expand(middle).strip() if last is not None else ""
        needs, _, order_only = self.expand(last if last is not None else middle).partition("|")
        if self._special(line, targets, needs.split()):
            return []
        described = line.text.partition("## ")[2].strip()
        rule = Rule(
            line.number, targets, needs.split(), order_only.split(), pattern, grouped, again, described, self._file
        )
        if recipe is not None:
            rule.recipe.append((line.number, recipe.strip()))
        self.rules.append(rule)
        if not self.goal:
            self.goal = next((t for t in targets if "%" not in t and not (t.startswith(".") and "/" not in t)), "")
        return [rule]

    def _special(self, line: Line, targets: list[str], needs: list[str]) -> bool:
        """Targets that say something about the makefile itself."""
        name = targets[0] if len(targets) == 1 else ""
        if name == ".PHONY":
            self.phony.update(needs)
        elif name == ".ONESHELL":
            self.one_shell = True
        elif name in (
            ".SUFFIXES",
            ".DELETE_ON_ERROR",
            ".SECONDARY",
            ".PRECIOUS",
            ".INTERMEDIATE",
            ".NOTPARALLEL",
            ".SILENT",
            ".POSIX",
        ):
            if name in (".NOTPARALLEL", ".POSIX"):
                self.leave(line.number, name, "exarp runs side by side what does not depend on each other")
        elif re.fullmatch(r"\.[A-Z_]+", name):
            self.leave(line.number, name, "this special target has no counterpart")
        else:
            return False
        return True

    def _target_variable(self, line: Line, bare: str, targets: list[str], assignment: re.Match[str]) -> None:
        name, operator, value = assignment[2], assignment[3], assignment[4]
        for target in targets:
            values = self._specific.setdefault(target, {})
            known = values.get(name, self._raw(name)) if operator == "+=" else ""
            values[name] = f"{known} {value}".strip()
        self.leave(
            line.number, bare, "it holds for the commands of these targets alone, not for those of what they need"
        )

    def specific(self, target: str) -> dict[str, str]:
        """Variables of one target, not filled in."""
        return self._specific.get(target, {})
