"""`orchestra completion`: what a shell must be told to complete orchestra's words."""

from __future__ import annotations

import click

from orchestra.cli import codes, options, output


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@options.common
@click.pass_context
def command(ctx: click.Context, /, common: options.Common, shell: str) -> int:
    """Print the script that makes a shell complete commands, options, files, and live addresses, workspaces and @groups.

    \b
    Examples:
      echo 'eval "$(orchestra completion bash)"' >> ~/.bashrc
      orchestra completion zsh > "${fpath[1]}/_orchestra"
      orchestra completion fish > ~/.config/fish/completions/orchestra.fish
    """
    from click import shell_completion  # only here

    kind = shell_completion.get_completion_class(shell)
    assert kind is not None
    made = kind(ctx.find_root().command, {}, "orchestra", "_ORCHESTRA_COMPLETE")
    script = made.source_template % made.source_vars()
    if common.json:
        output.result("completion", {"shell": shell, "script": script})
    else:
        output.say(script.rstrip("\n"))
    return codes.OK
