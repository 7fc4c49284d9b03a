"""``exarp completion``. Prints the script that a shell evaluates."""

from __future__ import annotations

import click

from exarp.cli.invocation import common_options, current, refuse_file, write


@click.command("completion", short_help="Print a completion script for your shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options("file", "directory", "quiet", "verbose", "color")
def command(shell: str) -> int:
    """Print a script that completes commands, options, task names and files.

    \b
    Examples:
      eval "$(exarp completion bash)"                                 in ~/.bashrc
      eval "$(exarp completion zsh)"                                  in ~/.zshrc
      exarp completion fish > ~/.config/fish/completions/exarp.fish
    """
    refuse_file(current(), "completion")
    from exarp.cli.completion_scripts import script

    write(script(shell))
    return 0
