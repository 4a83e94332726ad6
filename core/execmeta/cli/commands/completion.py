"""`execmeta completion`: the script that makes a shell complete commands, options and values."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    Evaluate it in the shell's start-up file; it completes commands, options and their values.

    \b
    Examples:
      echo 'eval "$(execmeta completion bash)"' >> ~/.bashrc
      echo 'eval "$(execmeta completion zsh)"' >> ~/.zshrc
      execmeta completion fish > ~/.config/fish/completions/execmeta.fish
    """
    completion = get_completion_class(shell)
    assert completion is not None  # noqa: S101  # the choice above knows click's own three
    script = completion(ctx.find_root().command, {}, "execmeta", "_EXECMETA_COMPLETE")
    click.echo(script.source())
