"""The command line: which commands there are, and the one place where errors become text and exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, output, spellings
from orchestra.model import diagnostic, errors

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "apply": "Make the tmux server what a manifest says.",
    "attach": "Attach this terminal to a session, window or pane.",
    "completion": "Print the completion script of a shell.",
    "daemon": "Start, stop and look at the daemon of a tmux server.",
    "delete": "Stop and remove what a workspace owns.",
    "diff": "Show what apply would do, and why.",
    "doctor": "Look at tmux, its version, and this machine.",
    "events": "Show what happened, and what happens.",
    "find": "Find what panes have printed.",
    "freeze": "Write what is live into a manifest, keeping its text.",
    "gc": "Collect what nobody needs any more, and have it back.",
    "get": "List workspaces, sessions or panes.",
    "group": "Groups of sessions, made by hand.",
    "graph": "Draw who waits for whom.",
    "import": "Turn another tool's file into a manifest.",
    "init": "Look at a project, and write a manifest for it.",
    "label": "Put labels on a live pane, or print them.",
    "limit": "Set what a live pane may use, or show it.",
    "logs": "Show what panes printed.",
    "metrics": "Show what panes use: processor, memory, storage.",
    "pane": "Look at panes, type into them, and end them, whoever made them.",
    "render": "Print a manifest after variables, overlays and expansion.",
    "restart": "Stop panes and start them again, in place.",
    "restore": "Bring back what a snapshot holds.",
    "schedule": "List schedules and their next times, run, pause and resume them.",
    "schema": "Print the manifest's JSON Schema.",
    "session": "Make, look at and end sessions, whoever made them.",
    "snapshot": "Save what is live as manifests, list, compare and restore them.",
    "start": "Start panes whose process has ended or was stopped.",
    "status": "Show how workspaces are.",
    "stop": "Stop panes, until they are started.",
    "template": "List, show and add manifests to begin with.",
    "top": "Watch workspaces and panes, full screen.",
    "trigger": "When something happens, do something: list, try, add.",
    "validate": "Look for problems in manifests.",
    "version": "Print the versions of orchestra, tmux and Python.",
    "wait": "Wait until a pane has ended, is healthy, or has printed something.",
}
"""Name -> one line. A command's module is loaded when it is called: its imports are nobody else's to pay."""
ALIASES = {"down": "delete", "up": "apply"}
MODULES = {"import": "import_"}
"""Where a command's name is a word of Python's, its module is called otherwise."""
OLD = {
    "metrics-history": "metrics_history",
    "pane-metrics": "pane_metrics",
    "session-metrics": "session_metrics",
}
"""Spellings of old scripts, in `bridge_metrics`: they answer in JSON, and no list shows them."""

OTHERS = {
    "config": "render",
    "destroy": "delete",
    "exec": "pane exec",
    "kill": "pane kill, or stop",
    "list": "get",
    "ls": "get",
    "plan": "diff",
    "ps": "status",
    "rm": "delete",
}
"""What other tools call a command of ours, where it is not spelled alike."""


class Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = ALIASES.get(cmd_name, cmd_name)
        if name in OLD:
            old = getattr(importlib.import_module("orchestra.cli.bridge_metrics"), OLD[name])
            assert isinstance(old, click.Command)
            return old
        if name in spellings.SPELLINGS:
            from orchestra.cli import bridge  # only old scripts pay for it

            return bridge.command(name, self)
        if name not in COMMANDS:
            return None
        command = importlib.import_module(f"orchestra.cli.{MODULES.get(name, name)}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        known = [*COMMANDS, *ALIASES, *OLD, *spellings.SPELLINGS]
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            import difflib  # only a slip pays for it

            near = [OTHERS[name]] if name in OTHERS else difflib.get_close_matches(name.lower(), known, n=1)
            hint = f"did you mean {near[0]}?" if near else "orchestra --help lists the commands"
            raise errors.UsageError(f'no such command "{name}"', hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """From the table: click's own way loads every command."""
        from click.shell_completion import CompletionItem  # only a shell asks

        found = [
            CompletionItem(name, help=line)
            for name, line in sorted(COMMANDS.items())
            if name.startswith(incomplete)
        ]
        return found or click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: orchestra diff manifest.yaml, then orchestra apply manifest.yaml. Each command's --help has an example.",
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
    output.prepare()
    try:
        code = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output went away; nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = codes.ERROR
    sys.exit(code)


def _run(words: list[str]) -> int:
    name = output.command_of(words, ALIASES)
    json, usage = output.wants_json(words), codes.USAGE
    if name in OLD or name in spellings.SPELLINGS:
        # An old script knows one exit code of errors, and reads JSON unless it says otherwise.
        usage = codes.ERROR
        streams = name in spellings.SPELLINGS and spellings.SPELLINGS[name].text
        json = json or not (streams or output.wants_text(words))
        output.speak_as(name if json else "")
    try:
        code = commands.main(args=words, prog_name="orchestra", standalone_mode=False)
        return code if isinstance(code, int) else codes.OK
    except errors.UsageError as error:
        output.error(error.diagnostics, name, json=json)
        return usage
    except errors.Interrupted:
        output.interrupted(name, json=json, begun=False)
        return codes.INTERRUPTED
    except errors.OrchestraError as error:
        output.error(error.diagnostics, name, json=json)
        return codes.ERROR
    except (click.exceptions.Abort, KeyboardInterrupt):
        pass
    except click.exceptions.NoArgsIsHelpError as problem:
        if json:
            output.failure(name, "a command is needed", {})
        else:
            output.note(problem.format_message())
        return codes.USAGE
    except click.ClickException as problem:
        output.error([_usage(problem)], name, json=json)
        return usage
    except BrokenPipeError:
        raise
    except Exception as error:  # the last net: a fault of ours is told in one line, its trace on demand
        if os.environ.get("ORCHESTRA_TRACEBACK"):
            raise
        output.error(_fault(error), name, json=json)
        return codes.ERROR
    output.interrupted(name, json=json)
    return codes.INTERRUPTED


def _fault(error: Exception) -> list[diagnostic.Diagnostic]:
    """What went wrong beside others is told as what it is; anything else is a fault of orchestra's."""
    leaf: BaseException = error
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    if isinstance(leaf, errors.OrchestraError):
        return list(leaf.diagnostics)
    return [
        diagnostic.Diagnostic(
            severity=diagnostic.Severity.ERROR,
            summary=f"this is a fault in orchestra: {type(leaf).__name__}: {leaf}",
            hint="set ORCHESTRA_TRACEBACK=1 to see where; what was done is done, and applying again goes on from there",
        )
    ]


def _usage(problem: click.ClickException) -> diagnostic.Diagnostic:
    ctx = getattr(problem, "ctx", None)
    path = ctx.command_path if isinstance(ctx, click.Context) else "orchestra"
    # click writes a choice below each other; elsewhere white space is a person's
    message = problem.format_message().replace("\n\t", " ")
    summary, hint = message, f"{path} --help says more"
    if isinstance(problem, click.exceptions.NoSuchOption):
        summary = f"no such option {problem.option_name}"
        if problem.possibilities:
            hint = f"did you mean {' or '.join(problem.possibilities)}?"
    return diagnostic.Diagnostic(severity=diagnostic.Severity.ERROR, summary=summary, hint=hint)


if __name__ == "__main__":
    main()
