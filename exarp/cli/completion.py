"""``exarp completion``. Prints the script that a shell evaluates."""

from __future__ import annotations

import click

from exarp.cli.invocation import common_options, current, refuse_file, write


@click.command("completion", short_help="Print a completion script for your shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options("file", "directory", "quiet", "verbose", "color")
def command(shell: str) -> int:
    """Print a script that completes commands, options and task names.

    \b
    Examples:
      eval "$(exarp completion bash)"                                 in ~/.bashrc
      eval "$(exarp completion zsh)"                                  in ~/.zshrc
      exarp completion fish > ~/.config/fish/completions/exarp.fish
    """
    refuse_file(current(), "completion")
    from click.shell_completion import get_completion_class

    from exarp.cli.entry import group

    found = get_completion_class(shell)
    assert found is not None, "click knows the three shells that the argument allows"
    write(found(group, {}, "exarp", "_EXARP_COMPLETE").source() + "\n")
    return 0
