"""The command line: which commands there are, and the one place where errors become text and exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from orchestra.cli import codes, output
from orchestra.model import errors

COMMANDS = {
    "apply": "Make the tmux server what a manifest says.",
    "attach": "Attach this terminal to a session, window or pane.",
    "completion": "Print the completion script of a shell.",
    "delete": "Stop and remove what a workspace owns.",
    "diff": "Show what apply would do, and why.",
    "doctor": "Look at tmux, its version, and this machine.",
    "get": "List workspaces, sessions or panes.",
    "graph": "Draw who waits for whom.",
    "render": "Print a manifest after variables, overlays and expansion.",
    "schema": "Print the manifest's JSON Schema.",
    "status": "Show how workspaces are.",
    "validate": "Look for problems in manifests.",
    "version": "Print the versions of orchestra and tmux.",
}
"""Name -> one line. A command's module is loaded when it is called: its imports are nobody else's to pay."""
ALIASES = {"down": "delete"}


class Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        command = importlib.import_module(f"orchestra.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: orchestra diff manifest.yaml, then orchestra apply manifest.yaml.",
)
@click.option("-L", "socket_name", metavar="NAME", help="The tmux server of that socket name, as tmux -L.")
@click.option("-S", "socket_path", metavar="PATH", help="The tmux server of that socket path, as tmux -S.")
@click.option("-o", "output_format", type=click.Choice(["text", "json"]), help="How results are printed.")
@click.version_option(package_name="orchestra-tmux", prog_name="orchestra")
@click.pass_context
def commands(
    ctx: click.Context, socket_name: str | None, socket_path: str | None, output_format: str | None
) -> None:
    """Infrastructure-as-code for the terminal: declare tmux sessions in YAML, see what is not so, make it so."""
    ctx.obj = {"socket_name": socket_name, "socket_path": socket_path, "output_format": output_format}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and exits. Nothing below here prints an error or chooses an exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    plain = output.wants_json(words)
    try:
        code = commands.main(args=words, prog_name="orchestra", standalone_mode=False)
    except errors.UsageError as error:
        output.error(error.diagnostics, words, json=plain)
        code = codes.USAGE
    except errors.Interrupted:
        code = codes.INTERRUPTED
    except errors.OrchestraError as error:
        output.error(error.diagnostics, words, json=plain)
        code = codes.ERROR
    except click.exceptions.Abort:
        code = codes.INTERRUPTED
    except click.ClickException as error:
        output.usage(error, words, json=plain)
        code = codes.USAGE
    except KeyboardInterrupt:
        code = codes.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away; nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = codes.ERROR
    if code == codes.INTERRUPTED:
        output.interrupted(words, json=plain)
    sys.exit(code if isinstance(code, int) else codes.OK)


if __name__ == "__main__":
    main()
