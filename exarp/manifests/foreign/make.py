"""A Makefile as a draft manifest: its targets become tasks, a pattern rule a task with a matrix.

Knows what make means by a rule, and how exarp says the same: each line of a recipe is a shell of its own in both. Does not
read Makefiles (``make_text``). What depends on the machine (a condition, a wildcard) is decided now, and told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from exarp.manifests.foreign.draft import Draft, DraftTask, UnconvertibleError, task_name, unique
from exarp.manifests.foreign.make_functions import Glob, match_pattern
from exarp.manifests.foreign.make_text import Makefile, Rule
from exarp.manifests.foreign.shell_text import reference, tidy
from exarp.model.name import variable_fault
from exarp.model.path import is_glob, is_outside

_PLAIN_VALUE = re.compile(r"[\w\s./:=+,@%^-]*")
_CALLS_MAKE = re.compile(r"\$[({]MAKE[)}]")
_PREFIX = re.compile(r"[@+\s-]*")
_MAKES_DEPFILE = re.compile(r"\s-M?MD\b")
_DEPFILE = re.compile(r"\s-MF\s*(\S+)")
_MAKES_FOLDER = re.compile(r"(?:mkdir|install\s+-d)\b[^;&|]*")
# What the caller's environment has anyway.
_OF_SHELLS = frozenset(("HOME", "PATH", "USER", "PWD", "TMPDIR", "SHELL", "LANG"))
_AXIS = "stem"
# Rules that make has built in.
_BUILT_IN = tuple(
    Rule(1, [made], [of], [], recipe=[(1, how)])
    for made, of, how in (
        ("%.o", "%.c", "$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<"),
        ("%.o", "%.cc", "$(CXX) $(CPPFLAGS) $(CXXFLAGS) -c -o $@ $<"),
        ("%.o", "%.cpp", "$(CXX) $(CPPFLAGS) $(CXXFLAGS) -c -o $@ $<"),
        ("%", "%.o", "$(CC) $(LDFLAGS) $^ $(LOADLIBES) $(LDLIBS) -o $@"),
        ("%", "%.c", "$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@"),
    )
)


class _Target(msgspec.Struct):
    """All that a makefile says of one target. ``others``: what the same recipe makes beside it."""

    name: str
    line: int
    needs: list[str] = []
    order_only: list[str] = []
    recipe: list[tuple[int, str]] = []
    stem: str = ""
    pattern: Rule | None = None
    others: list[str] = []
    description: str = ""
    file: str = ""


def convert_make(
    text: str,
    file: str,
    glob: Glob,
    exists: Callable[[str], bool],
    include: Callable[[str], str | None],
    shell: Callable[[str], str] | None = None,
) -> Draft:
    """The draft of a makefile's text. ``file``: as messages name it; ``glob``: the files of a pattern; ``exists``: whether a path
    is there; ``include``: the text of another makefile, or None; ``shell``: what a command prints, where commands may be run."""
    draft = Draft(file, "make")
    makefile = Makefile(draft.leave, include, glob, shell)
    makefile.read(text)
    return _Converter(makefile, draft, exists).draft()


class _Converter:
    def __init__(self, makefile: Makefile, out: Draft, exists: Callable[[str], bool]) -> None:
        self.makefile = makefile
        self.out = out
        self.exists = exists
        self.targets: dict[str, _Target] = {}
        self.patterns = [rule for rule in makefile.rules if not rule.pattern and any("%" in t for t in rule.targets)]
        self.names: dict[str, str] = {}
        self.files: dict[str, bool] = {}
        self.idle: set[str] = set()
        self.variables: dict[str, str | dict[str, str]] = {}

    def draft(self) -> Draft:
        """Convert everything."""
        for rule in self.makefile.rules:
            if rule not in self.patterns:
                self.take(rule)
        self.out.found = len(self.targets) + len(self.patterns)
        self.find_patterns()
        self.drop_folders()
        for target in self.targets.values():
            self.files[target.name] = self.is_file(target)
        tasks = self.name_all()
        for name, members in tasks:
            self.task(name, members)
        for each in self.out.tasks:
            # To wait for what does nothing is nothing.
            if "run" in each.keys and not self.idle.isdisjoint(each.keys.get("needs", ())):
                needs = [need for need in each.keys.pop("needs") if need not in self.idle]
                each.keys |= {"needs": needs} if needs else {}
        self.out.variables = dict(self.variables)
        self.settings()
        return self.out

    # -- rules to targets --------------------------------------------------------------------------------------

    def take(self, rule: Rule) -> None:
        """A rule's targets, with what other rules say of them."""
        if rule.again:
            self.out.leave(
                rule.line, " ".join(rule.targets), "a target with several recipes (::) has no counterpart", rule.file
            )
            return
        for target in rule.targets[:1] if rule.grouped else rule.targets:
            stem = match_pattern(rule.pattern, target) if rule.pattern else None
            found = self.targets.setdefault(target, _Target(target, rule.line, file=rule.file))
            filled = partial(_with_stem, stem or "")
            found.needs += map(filled, rule.needs)
            found.order_only += map(filled, rule.order_only)
            found.description = found.description or rule.description
            if rule.recipe:
                found.recipe, found.stem = rule.recipe, stem or ""
                found.line, found.file = rule.line, rule.file
                found.others = rule.targets[1:] if rule.grouped else []
                found.pattern = rule if rule.pattern else None

    def find_patterns(self) -> None:
        """Targets that only a pattern rule makes, as far as others need them."""
        waiting = [*self.targets]
        while waiting:
            name = waiting.pop(0)
            target = self.targets.get(name)
            if target is None or (not target.recipe and name not in self.makefile.phony):
                target = self.from_pattern(name, target) or target
            if target is not None:
                waiting += [need for need in [*target.needs, *target.order_only] if need not in self.targets]
        used = {id(target.pattern) for target in self.targets.values() if target.pattern is not None}
        for rule in self.patterns:
            if id(rule) not in used:
                self.out.leave(
                    rule.line, " ".join(rule.targets), "nothing that is named uses this pattern rule", rule.file
                )

    def from_pattern(self, name: str, known: _Target | None) -> _Target | None:
        """The target ``name`` as a pattern rule makes it, if one does."""
        # Of what is there already make's own rules make nothing, unless the makefile names it as a target.
        built_in = () if known is None and self.exists(name) else _BUILT_IN
        for rule in (*self.patterns, *built_in):
            for pattern in rule.targets:
                stem = match_pattern(pattern, name)
                if not stem or not rule.recipe:
                    continue
                needs = [_with_stem(stem, need) for need in rule.needs]
                if not all(self.can_be(need) for need in needs):
                    continue
                made = known or _Target(name, rule.line, file=rule.file)
                made.needs = unique([*needs, *made.needs])
                made.order_only = unique([*made.order_only, *(_with_stem(stem, need) for need in rule.order_only)])
                made.recipe, made.stem = rule.recipe, stem
                # What one target alone needs besides keeps it out of the common matrix.
                made.pattern = rule if made.needs == unique(needs) else None
                self.targets[name] = made
                return made
        return None

    def can_be(self, name: str) -> bool:
        """Whether a prerequisite is there, or can be made by rules whose own prerequisites are there."""
        if name in self.targets or self.exists(name):
            return True
        for rule in self.patterns:
            for pattern in rule.targets:
                stem = match_pattern(pattern, name)
                if stem and all(self.exists(_with_stem(stem, need)) for need in rule.needs):
                    return True
        return False

    def drop_folders(self) -> None:
        """Rules that only make a folder: exarp makes the folders of outputs itself."""
        for target in [*self.targets.values()]:
            lines = [_PREFIX.sub("", text, count=1) for _, text in target.recipe]
            if (
                lines
                and target.name not in self.makefile.phony
                and all(_MAKES_FOLDER.fullmatch(line) for line in lines)
            ):
                del self.targets[target.name]
                for other in self.targets.values():
                    other.needs = [need for need in other.needs if need != target.name]
                    other.order_only = [need for need in other.order_only if need != target.name]

    def is_file(self, target: _Target) -> bool:
        """Whether a target is a file that its recipe makes, and not just a name for what is to be done."""
        if target.name in self.makefile.phony or not target.recipe or target.name in ("FORCE", ".FORCE"):
            return False
        if "/" in target.name or re.search(r"\w\.\w+$", target.name):
            return True
        recipe = "\n".join(text for _, text in target.recipe)
        if "$@" in recipe or "$(@" in recipe:
            return True
        try:
            recipe = self.makefile.expand(recipe, dict.fromkeys("<^+?*|", ""), recipe=True)
        except UnconvertibleError:
            return False
        return re.search(rf"(?:-o|>)\s*{re.escape(target.name)}(?![\w./-])", recipe) is not None

    # -- targets to tasks --------------------------------------------------------------------------------------

    def name_all(self) -> list[tuple[str, list[_Target]]]:
        """Tasks by name, each with its targets: several are the instances of a matrix."""
        # What lies outside the workspace nobody can make; the others of its pattern are not to go with it.
        together: dict[tuple[int, bool], list[_Target]] = {}
        for target in self.targets.values():
            if target.pattern is not None and self.files[target.name]:
                together.setdefault((id(target.pattern), is_outside(target.name)), []).append(target)
        found: list[tuple[str, list[_Target]]] = []
        taken: set[str] = set()
        for target in self.targets.values():
            members = together.get((id(target.pattern), is_outside(target.name)), [])
            if len(members) > 1 and self.as_matrix(members):
                if members[0] is target:
                    name = task_name(re.sub(r".*[%.]", "", target.name) or "files", taken)
                    self.names.update((member.name, f"{name}@{member.stem}") for member in members)
                    found.append((name, members))
                    taken.add(name)
                continue
            name = task_name(target.name, taken)
            self.names[target.name] = name
            found.append((name, [target]))
            taken.add(name)
        return found

    def as_matrix(self, members: Sequence[_Target]) -> bool:
        """Whether the instances of a pattern rule can be said as one task: their stems are names, and nothing in the recipe takes
        paths apart that only each of them has."""
        recipe = "\n".join(text for _, text in members[0].recipe)
        if any("/" in member.stem for member in members) and re.search(
            r"\$[({](?:\w*dir|basename|suffix|if|f)\b", recipe
        ):
            return False
        return all(re.fullmatch(r"[\w./+-]+", member.stem) for member in members)

    def task(self, name: str, members: list[_Target]) -> None:
        """One task; what cannot be converted is left, with the line that says why."""
        target = members[0]
        task = DraftTask(name, target.line, file=target.file)
        matrix = len(members) > 1
        try:
            if target.description:
                task.keys["description"] = target.description
            if matrix:
                task.keys["matrix"] = {_AXIS: [member.stem for member in members]}
            shape = self.general(target) if matrix else target
            self.relations(task, target, shape)
            self.commands(task, target, shape, matrix)
        except UnconvertibleError as error:
            self.out.leave(target.line, " ".join(member.name for member in members), str(error), target.file)
            return
        if task.keys.get("run") and any(_CALLS_MAKE.search(text) for _, text in target.recipe):
            self.out.leave(
                target.line, target.name, "it calls make, as before: exarp does not see what that does", target.file
            )
        if not task.keys.get("run") and not task.keys.get("needs"):
            if target.name not in ("FORCE", ".FORCE"):
                self.out.leave(target.line, target.name, "it runs nothing and needs no other task", target.file)
            self.idle.add(name)
            return
        self.out.tasks.append(task)

    @staticmethod
    def general(target: _Target) -> _Target:
        """A target of a pattern rule with ``${stem}`` for its stem."""
        rule = target.pattern
        assert rule is not None
        mark = f"${{{_AXIS}}}"
        pattern = rule.pattern or next(each for each in rule.targets if match_pattern(each, target.name) == target.stem)
        return msgspec.structs.replace(
            target,
            name=_with_stem(mark, pattern),
            needs=[_with_stem(mark, need) for need in rule.needs],
            order_only=[_with_stem(mark, need) for need in rule.order_only],
            stem=mark,
        )

    def relations(self, task: DraftTask, target: _Target, shape: _Target) -> None:
        """Needs, inputs and outputs."""
        needs, inputs, forced = [], [], False
        for need, written in zip(target.needs, shape.needs, strict=False):
            if need in ("FORCE", ".FORCE"):
                forced = True
            elif self.files.get(need) or (need not in self.targets and self.exists(need)):
                inputs.append(written)
                if not self.files[target.name] and need in self.names:
                    needs.append(self.names[need])
            elif need in self.names:
                needs.append(self.names[need])
            else:
                raise UnconvertibleError(f"nothing makes {need}, which it needs")
        needs += [self.names[need] for need in target.order_only if need in self.names]
        if needs:
            task.keys["needs"] = unique(needs)
        if self.files[target.name] and not forced:
            task.keys["inputs"] = unique(inputs)
            task.keys["outputs"] = [shape.name, *target.others]
        if forced:
            task.notes.append("made again each time, as make does for FORCE")

    def commands(self, task: DraftTask, target: _Target, shape: _Target, matrix: bool) -> None:
        recipe = _Recipe(self, task, target, shape, matrix)
        scripts = [script for number, text in target.recipe if (script := recipe.script(text))]
        if self.makefile.one_shell and scripts:
            scripts = ["\n".join(scripts)]
        if recipe.env:
            task.keys["env"] = recipe.env
        if scripts:
            task.keys["run"] = scripts[0] if len(scripts) == 1 else scripts
        whole = "\n".join(scripts)
        if "outputs" in task.keys and _MAKES_DEPFILE.search(whole):
            named = _DEPFILE.search(whole)
            by_suffix = re.sub(r"\.[^./]*$", "", shape.name) + ".d"
            task.keys["depfile"] = named[1] if named and "$" not in named[1] else by_suffix
            if named and "$" in named[1]:
                task.keys["run"] = _each_text(task.keys["run"], lambda text: text.replace(named[1], "$depfile"))

    def settings(self) -> None:
        if self.makefile.goal in self.names:
            name = self.names[self.makefile.goal].partition("@")[0]
            if any(task.name == name for task in self.out.tasks):
                self.out.settings["default"] = [self.names[self.makefile.goal]]
        shell = "/bin/sh"
        if "SHELL" in self.makefile.variables:
            shell = self.makefile.value("SHELL").strip() or shell
        flags = self.makefile.value(".SHELLFLAGS").split() or ["-c"]
        self.out.settings["shell"] = [*shell.split(), *flags]

    # -- variables ---------------------------------------------------------------------------------------------

    def export(self, name: str) -> bool:
        """Whether a variable can be one of the manifest, with a value that a shell reads as make would have pasted it."""
        if name in self.variables:
            return True
        if variable_fault(name) is not None or name == "MAKE":
            return False
        try:
            value = self.field(name)
        except UnconvertibleError:
            return False
        if isinstance(value, str) and not _PLAIN_VALUE.fullmatch(re.sub(r"\$\{env\.\w+:-|\$\{\w+\}|\}", "", value)):
            return False
        self.variables[name] = value
        return True

    def field(self, name: str) -> str | dict[str, str]:
        """A variable's definition. Raises UnconvertibleError."""
        command = self.makefile.shell_command(name)
        if command is not None:
            return {"run": self.makefile.expand(command)}
        written = self.makefile.variables.get(name)
        if written is None and not self.makefile.knows(name):
            return f"${{env.{name}:-}}"
        raw = written.value if written is not None else self.makefile.value(name)
        value = self.makefile.expand(raw, None, self._in_field).strip()
        if written is None or written.fallback:
            value = f"${{env.{name}:-{value}}}" if "}" not in value else value
        added = self.makefile.expand(written.added, None, self._in_field) if written is not None else ""
        return f"{value} {added}".strip()

    def _in_field(self, name: str, before: str, after: str) -> str | None:
        """References to what only a run knows stay references."""
        if not name.isidentifier() or not self.depends(name):
            return None
        return f"${{{name}}}" if self.export(name) else None

    def depends(self, name: str) -> bool:
        """Whether a variable's value is known only in a run: the environment's, or a command's output."""
        written = self.makefile.variables.get(name)
        if written is None:
            return True
        return written.fallback or self.makefile.shell_command(name) is not None


class _Recipe:
    """The recipe of one target, line by line to scripts."""

    def __init__(self, owner: _Converter, task: DraftTask, target: _Target, shape: _Target, matrix: bool) -> None:
        self.owner = owner
        self.target = target
        self.shape = shape
        self.inputs: list[str] = task.keys.get("inputs", [])
        self.matrix = matrix
        self.declared = "outputs" in task.keys
        self.specific = owner.makefile.specific(target.name)
        self.env: dict[str, str] = {}
        mark = (lambda text: text.replace(f"${{{_AXIS}}}", f"${_AXIS}")) if matrix else str
        needs = unique(shape.needs)
        self.local = {
            "@": mark(shape.name),
            "<": mark(needs[0]) if needs else "",
            "^": mark(" ".join(needs)),
            "+": mark(" ".join(shape.needs)),
            "?": mark(" ".join(needs)),
            "|": mark(" ".join(shape.order_only)),
            "*": mark(shape.stem),
        }

    def script(self, text: str) -> str:
        """One line of the recipe as a script; empty where it runs nothing."""
        prefix = _PREFIX.match(text)
        marks = prefix[0] if prefix else ""
        body = text[len(marks) :]
        script = tidy(self.owner.makefile.expand(body, self.local, self.see, recipe=True).strip())
        if not script or script.startswith("#"):
            return ""
        return f"{{ {script}; }} || :" if "-" in marks else script

    def see(self, name: str, before: str, after: str) -> str | None:
        found = self.known(name)
        if found is None:
            return None
        return reference(found, before, after)

    def known(self, name: str) -> str | None:
        """The shell variable that holds what make means by ``name``; None: its value stands in its place."""
        if name == "@" and self.declared and not self.target.others:
            return "out"
        if name == "^" and self.declared and self.inputs and len(self.inputs) == len(set(self.shape.needs)):
            return None if any(map(is_glob, self.inputs)) else "in"
        if name == "<" and self.declared and len(self.inputs) == 1 and self.inputs == self.shape.needs[:1]:
            return "in"
        if name == "*" and self.matrix:
            return _AXIS
        if name in self.specific:
            self.env[name] = self.owner.makefile.expand(self.specific[name])
            return name
        if name in _OF_SHELLS and name not in self.owner.makefile.variables:
            return name
        return name if name.isidentifier() and self.owner.export(name) else None


def _with_stem(stem: str, pattern: str) -> str:
    return pattern.replace("%", stem, 1)


def _each_text(texts: str | list[str], change: Callable[[str], str]) -> str | list[str]:
    return change(texts) if isinstance(texts, str) else [change(text) for text in texts]
