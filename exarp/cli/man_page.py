"""The manual page, made from the commands' own help: ``python -m exarp.cli.man_page > docs/exarp.1``.

Knows man's macros and what the help texts do not say. Does not know the commands: it asks them.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator

import click

from exarp import __version__
from exarp.cli.commands import COMMANDS
from exarp.cli.entry import group

_EXIT_STATUS = (
    ("0", "Done, or up to date."),
    ("1", "A task failed."),
    ("2", "Wrong usage."),
    ("3", "The manifest is wrong."),
    ("5", "Another run holds what is needed."),
    ("70", "A defect in exarp; the path of its report is printed."),
    ("129, 130, 131, 143", "Ended by SIGHUP, SIGINT, SIGQUIT, SIGTERM."),
)
_ENVIRONMENT = (
    ("NO_COLOR, FORCE_COLOR", "Never, or always, colour the output; --color goes before them."),
    ("CI", "Set: lines instead of a live display, and nobody is asked anything."),
    ("TERM", "dumb: lines instead of a live display."),
    ("EXARP_CACHE", "A folder that keeps artifacts, in the place of the manifest's; off: none are kept or restored."),
)
_FILES = (
    ("exarp.toml, exarp.yaml, exarp.json, pyproject.toml", "The manifest: the first of these here or above, up to the git root; "
        "of pyproject.toml the table [tool.exarp]."),
    (".exarp/", "What runs leave: results, logs. It can be deleted; everything runs again then."),
    (".exarp/config.yaml", "Limits of this workspace, below what the manifest says."),
)  # fmt: skip


def man_page() -> str:
    """The page's source."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield f'.TH EXARP 1 "" "exarp {__version__}" "User Commands"'
    yield ".SH NAME"
    yield _text("exarp - plan a project's tasks as waves, check what may run side by side, and run them")
    yield ".SH SYNOPSIS"
    yield r".B exarp"
    yield r"[\fIOPTION\fR]... \fICOMMAND\fR [\fIARGUMENT\fR]..."
    yield ".br"
    yield ".B exarp"
    yield r"\fITASK\fR... [\-\- \fIARGUMENT\fR...]"
    yield ".SH DESCRIPTION"
    yield _text(
        "exarp reads a manifest of tasks, works out waves from the dependency graph, checks every claim that things may run "
        "side by side, falls back to running in turn where there is doubt, says why, and runs the waves. A first word that is "
        "no command is a task: `exarp test` is `exarp run test`."
    )
    yield ".SH OPTIONS"
    with group.make_context("exarp", [], resilient_parsing=True) as context:
        yield from _options(context, group)
        yield ".SH COMMANDS"
        for name in COMMANDS:
            command = group.get_command(context, name)
            assert command is not None, "every command of the list is there"
            yield from _command(context, name, command)
    for title, entries in (("FILES", _FILES), ("ENVIRONMENT", _ENVIRONMENT), ("EXIT STATUS", _EXIT_STATUS)):
        yield f".SH {title}"
        for term, meaning in entries:
            yield from (".TP", _text(term), _text(meaning))
    yield ".SH SEE ALSO"
    yield _text("make(1), ninja(1)")


def _command(parent: click.Context, name: str, command: click.Command) -> Iterator[str]:
    with command.make_context(name, [], parent, resilient_parsing=True) as context:
        usage = " ".join(["exarp", name, *command.collect_usage_pieces(context)])
        yield f'.SS "{_text(usage)}"'
        # Newer interpreters take the indentation out of docstrings, older ones leave it in.
        for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(command.help or "")):
            if "\b" in paragraph:
                yield from (".PP", ".nf", *(_text(line) for line in paragraph.strip("\b\n ").split("\n")), ".fi")
            else:
                yield from (".PP", _text(" ".join(paragraph.split())))
        yield from _options(context, command)


def _options(context: click.Context, command: click.Command) -> Iterator[str]:
    for parameter in (each for each in command.get_params(context) if isinstance(each, click.Option)):
        record = parameter.get_help_record(context)
        # What every command takes is told once, at the top.
        inherited = command is not group and parameter.name in {each.name for each in group.params}
        if record is not None and not inherited:
            yield from (".TP", f".B {_text(record[0])}", _text(record[1]))


def _text(text: str) -> str:
    """Text that man shows as it is."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    sys.stdout.write(man_page())
