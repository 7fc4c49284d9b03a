"""What the tasks of a Taskfile share: who they are, what all of them get, which shell.

Knows what comes before what, as far as the file says so plainly. Does not know what a task's other keys mean (``taskfile_task``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec
import yaml

from exarp.manifests.foreign.draft import Draft, DraftTask
from exarp.manifests.foreign.taskfile_templates import Templates
from exarp.manifests.foreign.taskfile_text import entries, items, plain

# What go-task's own shell understands, as bash does, and a plain one does not.
_OF_BASH = re.compile(
    r"\[\[|<<<|&>|\$'|<\(|(?<!\$)\(\(|\bsource\s|\+=\(|\$\{\w+(?:/|\^|,|:\d|\[)|\bpipefail\b|\bshopt\s|\{[^\s{}$]*(?:,|\.\.)[^\s{}]*\}"
    r"|\bfunction\s+\w|\becho\s+-e"
)


class File(msgspec.Struct):
    """What the tasks of a Taskfile share. ``names``: those in the manifest, by those in the file; ``env``: what all get;
    ``elsewhere``: variables that some task uses without saying what they are; ``turns``: which task follows which, as called by
    whom; ``options``: those of the shell; ``depth``: how deep we are in copies; ``parts``: how often a task was tried as
    a part of another."""

    out: Draft
    templates: Templates
    nodes: dict[str, yaml.Node]
    names: dict[str, str] = {}
    env: dict[str, str] = {}
    elsewhere: set[str] = set()
    copies: dict[tuple[str, ...], str] = {}
    turns: list[tuple[str, str, DraftTask]] = []
    options: dict[str, list[str]] = {}
    depth: int = 0
    parts: int = 0

    def entries(self, name: str) -> dict[str, yaml.Node]:
        """The keys of a task; one that is only commands has ``cmds``."""
        node = self.nodes[name]
        return dict(entries(node)) if isinstance(node, yaml.MappingNode) else {"cmds": node}

    def before(self, name: str) -> list[str]:
        """Tasks that are done before any command of the task ``name``."""
        keys = self.entries(name)
        first = items(keys["cmds"])[:1] if "cmds" in keys else []
        found = []
        for node in [*(items(keys["deps"]) if "deps" in keys else []), *first]:
            value = plain(node)
            if isinstance(value, Mapping) and set(value) <= {"task", "silent"}:
                found.append(str(value.get("task")))
            elif isinstance(value, str) and node not in first:
                found.append(value)
        return [each.removeprefix(":") for each in found if each.removeprefix(":") in self.nodes]

    def fallback(self, name: str, value: str) -> str:
        """A value of the environment; the caller's own goes before, as in go-task."""
        return f"${{env.{name}:-{value}}}" if "}" not in value else value


def shell(options: Mapping[str, Sequence[str]], scripts: Sequence[str]) -> list[str]:
    """The shell for ``scripts``: ``set`` and ``shopt`` as given, and an end at the first failure, as in go-task."""
    of_set, of_shopt = options.get("set", ()), options.get("shopt", ())
    letters = [f"-{each}" for each in of_set if len(each) == 1 and each != "e"]
    long = [word for each in of_set if len(each) > 1 and each != "errexit" for word in ("-o", each)]
    bash = of_shopt or "pipefail" in of_set or any(map(_OF_BASH.search, scripts))
    return [
        "bash" if bash else "sh", *(word for each in of_shopt for word in ("-O", each)), "-e", *letters, *long, "-c"
    ]  # fmt: skip
