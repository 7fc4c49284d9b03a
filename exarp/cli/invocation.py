"""What every command knows of its invocation: options that stand before or after the command's name.

Knows ``-f -C -q -v --color`` and how the two places are merged. Does not run anything.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from exarp.app.opening.project import Overrides, Project
    from exarp.app.resume import Resumed
    from exarp.errors import Problem
    from exarp.model.call import Call
    from exarp.model.mask import Mask

Command = TypeVar("Command", bound=Callable[..., Any])
Value = TypeVar("Value")


class Invocation:
    """The common options, and what follows from them. ``arguments``: the whole command line, without its first word."""

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        self.arguments = tuple(arguments)
        # What stands behind ``--``, for tasks.
        self.passed: tuple[str, ...] = ()
        self.file: str | None = None
        self.directory: str | None = None
        self.verbosity = 0
        self.color: str = "auto"
        self.json = False
        # The run that is gone on with.
        self.resumed: Resumed | None = None
        # What stands where a command is expected, if it is none.
        self.first_word: str | None = None
        # What is shown to nobody, once it is known what that is.
        self.mask: Mask | None = None

    @property
    def folder(self) -> str:
        """The working directory, absolute, as ``-C`` has it. Raises UsageError where it has been removed."""
        try:
            return os.path.abspath(self.directory or os.curdir)
        except FileNotFoundError:
            from exarp.errors import Problem, UsageError

            raise UsageError(
                Problem("no-directory", "the working directory is gone", None, "cd to a folder that exists")
            ) from None

    def call(
        self,
        variables: Mapping[str, str] | None = None,
        options: tuple[str, ...] = (),
        behind: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Call:
        """How to reach the same manifest again; ``variables``: those of ``--set``; the rest as in ``Call``."""
        from exarp.model.call import Call

        chosen = (("-C", self.directory), ("-f", self.file))
        where = tuple(word for option, value in chosen if value is not None for word in (option, value))
        call = Call(where, tuple(f"{name}={value}" for name, value in (variables or {}).items()), options, behind or {})
        return self.hidden(call)

    def hidden(self, value: Value) -> Value:
        """What is to be shown, without what nobody is to see."""
        if self.mask is None:
            return value
        from exarp.model.mask import masked

        return masked(value, self.mask)

    def wants_color(self, stream: Any) -> bool:
        """Whether to colour what goes to ``stream``."""
        from exarp.views.color import wants_color

        return wants_color(self.color, os.environ, stream.isatty())  # type: ignore[arg-type]

    @staticmethod
    def columns(stream: Any) -> int | None:
        """How wide the terminal behind ``stream`` is; None where there is none, and nothing limits a line."""
        if not stream.isatty():
            return None
        try:
            return os.get_terminal_size(stream.fileno()).columns or None
        except OSError:
            return None

    def project(self, overrides: Overrides | None = None) -> Project:
        """The project, or ManifestError with all its problems; UsageError where ``-f`` was meant as ``--force``."""
        from exarp.app.opening.examining import open_project
        from exarp.errors import ManifestError

        try:
            project = open_project(self.folder, self.manifest_path, os.environ, overrides)
        except ManifestError:
            self._refuse_task_as_file()
            raise
        if project.manifest.settings.secrets:
            from exarp.app.secrets import Secrets

            self.mask = Secrets(project.manifest, os.environ).mask
        return project

    def root(self) -> str:
        """The workspace root, for commands that read what runs left and need no sound manifest."""
        from exarp.app.opening.examining import find_root

        return find_root(self.folder, self.manifest_path)

    @property
    def manifest_path(self) -> str | None:
        """The manifest that ``-f`` names, or None."""
        return None if self.file is None else os.path.join(self.folder, self.file)

    def outer_hint(self, problems: Sequence[Problem]) -> str:
        """A line for who works on a package and lacks what stands around it; an empty text where nothing does."""
        from exarp.app.opening.outer import lack, outer_of
        from exarp.views.escape import plain

        outer = outer_of(self.folder, self.manifest_path, os.environ) if lack(problems) else None
        if outer is None:
            return ""
        folder = os.path.relpath(outer.folder)
        call = shlex.join(("exarp", *(() if folder == os.curdir else ("-C", folder)), "run", f"{outer.prefix}TASK"))
        return plain(f"{outer.shown} includes this manifest, which stands alone here; as a part of it: {call}") + "\n"

    def one_task(self, name: str) -> str:
        """The one task that ``name``, of which nothing is stored, stands for. Raises UsageError where it is none, or a matrix.

        A manifest that cannot be read knows of no other name.
        """
        from exarp.app.opening.examining import examine
        from exarp.app.selection.targets import single_task
        from exarp.errors import ManifestError

        try:
            project, _ = examine(self.folder, self.manifest_path, os.environ, commands=False)
        except ManifestError:
            return name
        return single_task(project, name)

    def _refuse_task_as_file(self) -> None:
        """``exarp run -f build``: in make -f names a file, in other tools it forces; here ``build`` is a task."""
        from exarp.app.opening.examining import examine
        from exarp.errors import ExarpError, Problem, UsageError

        path = self.manifest_path
        if path is None or os.path.exists(path):
            return
        try:
            project, _ = examine(self.folder, None, os.environ, commands=False)
        except ExarpError:
            return
        if self.file in project.graph.ids:
            message = f"there is no file {self.file!r}, but a task of that name: -f names a manifest"
            raise UsageError(Problem("file-is-task", message, None, "did you mean --force?"))


def current() -> Invocation:
    """The invocation of the command that is being run."""
    found = click.get_current_context().find_object(Invocation)
    assert found is not None, "the group made one"
    return found


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value is None or value is False:
            return
        invocation = context.ensure_object(Invocation)
        if name == "quiet":
            invocation.verbosity = -1
        elif name == "verbose":
            invocation.verbosity = max(invocation.verbosity, 1)
        else:
            setattr(invocation, name, value)

    return callback


def complete_files(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, which the shell finds itself."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


# Name, then what click is told of it.
_COMMON: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "file": (("-f", "--file"), {
        "metavar": "PATH", "shell_complete": complete_files,
        "help": "Manifest, plan or folder of plans to read (default: exarp.toml here or above)."}),
    "directory": (("-C", "--directory"), {
        "metavar": "DIR", "type": click.Path(exists=True, file_okay=False), "help": "Work as if started in DIR."}),
    "quiet": (("-q", "--quiet"), {"is_flag": True, "help": "Say only what went wrong."}),
    "verbose": (("-v", "--verbose"), {"is_flag": True, "help": "Say more."}),
    "color": (("--color",), {
        "type": click.Choice(["auto", "always", "never"]), "help": "Colour the output (default: auto)."}),
}  # fmt: skip


def common_options(*idle: str) -> Callable[[Command], Command]:
    """The options that every command takes, also behind its name.

    ``idle``: those that make no difference to this command. It takes them, as every command does, but does not offer them.
    """

    def add(command: Command) -> Command:
        for name, (spellings, said) in reversed(_COMMON.items()):
            option = click.option(*spellings, expose_value=False, callback=_keep(name), hidden=name in idle, **said)
            command = option(command)
        return command

    return add


def refuse_file(invocation: Invocation, command: str) -> None:
    """Raises UsageError where ``-f`` is given to a command that reads no manifest."""
    if invocation.file is not None:
        raise click.UsageError(f"`exarp {command}` reads no manifest: leave -f out")


def json_option(help_text: str = "Print one JSON document.") -> Callable[[Command], Command]:
    """``--json``; kept in the invocation, so that errors are JSON too."""
    return click.option("--json", is_flag=True, expose_value=False, callback=_keep("json"), help=help_text)


def locate_in(project: Project) -> Callable[[str, str, str], str]:
    """Where a task says something, as ``exarp.toml:41``: (task, field, value) to text."""

    def locate(task: str, field: str, value: str) -> str:
        path = ("task", task, field)
        if field == "needs" and value not in project.manifest.tasks[project.graph.ids[task]].needs:
            # The need follows from files, or the parent: the line that says so is that of the input.
            return _edge_line(project, value, task)
        if field == "inputs":
            spec = project.manifest.tasks[project.graph.ids[task]]
            others = (name for name in ("tools", "modifies") if value in getattr(spec, name))
            path = ("task", task, next((name for name in others if value not in (spec.inputs or ())), field))
        if field in ("inputs", "tools", "outputs", "modifies", "needs", "parent", "after", "mutex", "requires"):
            place = project.locator.entry(path, value)
        else:
            place = project.locator.key(*path)
        return f"{place.file}:{place.line}"

    return locate


def _edge_line(project: Project, earlier: str, later: str) -> str:
    from exarp.graph.build import edge_origin

    ids = project.graph.ids
    try:
        origin = edge_origin(project.manifest.tasks, ids[earlier], ids[later], project.manifest.seen)
    except LookupError:
        place = project.locator.key("task", later)
    else:
        place = project.locator.entry(("task", later, origin.field), origin.text)
    return f"{place.file}:{place.line}"


def complete_tasks(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Task names for the shell's completion; none where the manifest cannot be read."""
    from exarp.app.opening.examining import examine
    from exarp.app.selection.targets import completions
    from exarp.errors import ExarpError

    root = context.find_root()
    invocation = context.find_object(Invocation) or root.ensure_object(Invocation)
    try:
        # Who presses a key does not mean to run anything.
        project, _ = examine(invocation.folder, invocation.manifest_path, os.environ, commands=False)
    except (ExarpError, OSError):
        return []
    return completions(project.manifest, incomplete)


def hidden(text: str) -> str:
    """Text to show, without what nobody is to see."""
    context = click.get_current_context(silent=True)
    found = context.find_object(Invocation) if context is not None else None
    return found.hidden(text) if found is not None else text


def write_document(document: bytes) -> None:
    """A JSON document to stdout, without what nobody is to see. Raises as ``write_bytes`` does."""
    found = current()
    if found.mask is not None:
        import msgspec

        from exarp.views.json_line import json_line

        document = json_line(found.hidden(msgspec.json.decode(document)))
    write_bytes(document)


def write(text: str) -> None:
    """Text to stdout; characters that its encoding lacks become escapes. Raises as ``write_bytes`` does."""
    write_bytes(hidden(text).encode(sys.stdout.encoding or "utf-8", "backslashreplace"))


def write_bytes(data: bytes) -> None:
    """Bytes to stdout as they are. Raises BrokenPipeError where the reader has gone, else UsageError ``unwritable``."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from exarp.errors import Problem, UsageError

        message = f"stdout cannot be written: {error.strerror}"
        raise UsageError(Problem("unwritable", message, None, "make room, or send the output elsewhere")) from None
