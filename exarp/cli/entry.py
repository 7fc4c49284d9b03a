"""The command group, and what becomes of every error.

Knows the commands' names and where each lives (loaded when it is used), that a first word which is no command is a task to
run, and the three ends of a command: done, refused with problems, or a defect with a report.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from exarp.cli.commands import COMMANDS
from exarp.cli.endings import ending
from exarp.cli.invocation import Invocation, common_options, write_bytes

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from exarp.errors import ExarpError

# Options of every command that take a value.
_WITH_VALUE = ("-f", "--file", "-C", "--directory", "--color")


class LazyGroup(click.Group):
    """Loads a command's module when the command is asked for; routes a task's name to ``run``."""

    def list_commands(self, context: click.Context) -> list[str]:
        """All commands, in the order of the documentation."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of that name, or None."""
        if name not in COMMANDS:
            return None
        # Python has a word of its own of that name.
        file = "import_" if name == "import" else name.replace("-", "_")
        module = importlib.import_module(f"exarp.cli.{file}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options, and tasks: a task's name alone runs it."""
        from click.shell_completion import CompletionItem

        from exarp.cli.invocation import complete_tasks

        found = super().shell_complete(context, incomplete)
        tasks = [] if incomplete.startswith("-") else complete_tasks(context, self.params[0], incomplete)
        return found + [CompletionItem(name) for name in tasks if name not in COMMANDS]

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A command and its arguments; ``exarp test`` is ``exarp run test``."""
        if "--help" not in args and "-h" not in args:
            importlib.import_module("exarp.cli.lean")
        if args and args[0] not in COMMANDS:
            context.ensure_object(Invocation).first_word = args[0]
            return "run", self.get_command(context, "run"), args
        return super().resolve_command(context, args)


@click.group(
    "exarp",
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`exarp TASK` is short for `exarp run TASK`. `exarp COMMAND --help` shows examples.",
)
@click.version_option(None, "-V", "--version", package_name="exarp-build", message="exarp %(version)s")
@common_options()
@click.pass_context
def group(context: click.Context) -> None:
    """Plan a project's tasks as waves, check what may run side by side, and run them."""
    context.ensure_object(Invocation)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def run_cli(arguments: Sequence[str], instead: Callable[[], int] | None = None) -> int:
    """Run the command line, or what was understood of it, ``instead``; its exit code. Prints every error, never a traceback."""
    invocation = Invocation(arguments)
    stdout = sys.stdout
    with ending():
        try:
            return _answer(invocation, instead)
        except (KeyboardInterrupt, click.Abort):
            return 130
        except SystemExit:
            # Where the reader has gone, click takes stdout away and exits with 1.
            if sys.stdout is not stdout:
                return 0
            raise
        except BrokenPipeError:
            # Whoever read our output has had enough.
            return 0
        except Exception as error:
            return _defect(error, invocation)


def _answer(invocation: Invocation, instead: Callable[[], int] | None) -> int:
    """Do what is asked, or say why not. Raises what is neither, also where it happens while something is refused."""
    try:
        return carry_out(invocation) if instead is None else instead()
    except Exception as error:
        # Not a clause of its own: naming the class would load it, and all it needs, for `--help` too.
        from exarp.errors import DefectError, ExarpError

        if isinstance(error, ExarpError) and not isinstance(error, DefectError):
            return _refuse(error, invocation)
        raise


def carry_out(invocation: Invocation) -> int:
    """Do what the command line says; the exit code. Raises what there is no command for, but not what click refuses."""
    try:
        arguments = list(map(_complete, _without_passed(invocation)))
        status = group.main(arguments, prog_name="exarp", standalone_mode=False, obj=invocation)
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        return _misused(error, invocation)
    except OSError:
        # What click itself prints, as help: where stdout could not take it, this says so.
        write_bytes(b"")
        raise


def _complete(argument: str) -> str:
    """Click would take the word behind ``--affected`` for its value, which only stands behind ``=``."""
    return "--affected=" if argument == "--affected" else argument


def _without_passed(invocation: Invocation) -> list[str]:
    """The command line without what follows ``--``, where that is for a task: other commands take it as names.

    Raises click.UsageError where nothing says what is to be run.
    """
    before, rest = _split(invocation.arguments)
    command = first_word(invocation.arguments)
    if command in COMMANDS and command not in ("run", "watch"):
        return list(invocation.arguments)
    if rest and not command:
        raise click.UsageError("words behind -- are arguments for a task: name it before them, exarp run TASK -- …")
    invocation.passed = tuple(rest)
    return list(before)


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """What stands before ``--`` and what stands behind it."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


def first_word(arguments: Sequence[str]) -> str:
    """What a command line begins with beside options: a command or a task; empty where it has neither."""
    return next(_words(_split(arguments)[0]), "")


def _words(arguments: Sequence[str]) -> Iterator[str]:
    """Arguments that are no options of exarp's own, nor values of these."""
    rest = iter(arguments)
    for argument in rest:
        if argument in _WITH_VALUE:
            next(rest, None)
        elif not argument.startswith("-"):
            yield argument


def _say(text: str) -> None:
    """Words of a refusal; whether they can be read or not, its exit code tells."""
    with contextlib.suppress(OSError):
        sys.stderr.write(text)


def _wants_json(invocation: Invocation) -> bool:
    """Whether ``--json`` was given, also behind what is refused: options there have not been read."""
    return invocation.json or "--json" in _split(invocation.arguments)[0]


def _refuse(error: ExarpError, invocation: Invocation) -> int:
    from exarp.views.problems.problem import as_json, render_all

    problems = invocation.hidden(error.problems)
    if _wants_json(invocation):
        _print_document(as_json(problems, error.exit_code))
    closing = "nothing was run" if error.exit_code == 3 and any(p.place for p in error.problems) else None
    text = render_all(problems, invocation.wants_color(sys.stderr), closing, invocation.columns(sys.stderr))
    _say(f"{text}\n")
    _say(invocation.outer_hint(error.problems))
    return int(error.exit_code)


def _print_document(document: bytes) -> None:
    """An error's document; that it cannot be written either is told by the words on stderr."""
    with contextlib.suppress(OSError):
        sys.stdout.buffer.write(document)
        sys.stdout.buffer.flush()


def _misused(error: click.ClickException, invocation: Invocation) -> int:
    """A command line that click refuses. Raises UsageError for what only a later version takes."""
    from exarp.errors import Problem
    from exarp.views.problems.problem import as_json

    invocation.json = _wants_json(invocation)
    if isinstance(error, click.NoSuchOption):
        from exarp.cli.later import later_option, refuse_later_command

        refuse_later_command(invocation)
        later = later_option(error)
        if later is not None:
            raise later
    if invocation.json:
        context = error.ctx if isinstance(error, click.UsageError) else None
        step = f"`{context.command_path} --help` shows how it is used" if context else "`exarp --help` shows how"
        _print_document(as_json([Problem("usage", error.format_message(), None, step)], 2))
    with contextlib.suppress(OSError):
        error.show(sys.stderr)
    return 2


def _defect(error: Exception, invocation: Invocation) -> int:
    import tempfile
    import traceback

    import msgspec

    from exarp.errors import DefectError, Problem
    from exarp.views.escape import plain
    from exarp.views.problems.problem import as_json

    with tempfile.NamedTemporaryFile("w", prefix="exarp-defect-", suffix=".log", delete=False) as report:
        report.write(f"exarp {list(invocation.arguments)}\npython {sys.version}\n")
        report.writelines(traceback.format_exception(error))
    problems = error.problems if isinstance(error, DefectError) else (Problem("defect", _named(error)),)
    if _wants_json(invocation):
        step = f"report {report.name}"
        _print_document(as_json([msgspec.structs.replace(problem, next=step) for problem in problems], 70))
    for problem in problems:
        _say(f"exarp broke one of its own rules: {plain(problem.message)} ({problem.slug})\n")
    _say(f"  this is a bug of exarp, not of your manifest; please report it with {report.name}\n")
    return 70


def _named(error: Exception) -> str:
    said = str(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
