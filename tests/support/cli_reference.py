"""Draws docs/reference/cli.md from the commands: `python -m tests.support.cli_reference` writes it, a test compares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from orchestra.cli import main as cli

PAGE = Path(__file__).parents[2] / "docs/reference/cli.md"

HEAD = """\
# The command line

Drawn from the commands' own `--help` by `make docs`.

`orchestra [-L NAME | -S PATH] [-o json] COMMAND …`: these options stand before the command's name or behind it.

* **Which tmux server**: `-S PATH`, else `-L NAME`, else the one this terminal is in (`$TMUX`), else tmux's default one; as tmux chooses.
* **Which manifest**: FILE, or `-` for standard input. Without one, `orchestra.yaml` or else `orchestra.yml` in the directory you are in.
* **Output**: results on stdout, progress and problems on stderr. Colours on a terminal only; `NO_COLOR` and `TERM=dumb` turn them off.
  What comes from files, programs and the server is shown with its control and direction characters written out (`\\x1b`).
* **Names in the shell**: `orchestra completion bash|zsh|fish` prints a script that completes commands, options, files, live addresses,
  workspaces, and `@groups`.

## Exit codes

| code | meaning |
|---|---|
| 0 | done; for `diff`: no differences |
| 1 | an error: a manifest's, tmux's, or of something that was to be done; for `doctor`: orchestra cannot work here |
| 2 | differences (`diff` only) |
| 64 | the command line is wrong: an unknown word, a missing file name, a workspace or address that is not there |
| 130 | interrupted (Ctrl-C, SIGTERM, SIGHUP); what is done is done, and applying again goes on from there |

## JSON

With `-o json` stdout is one object on one line, whatever happens. When all is well:

```json
{"status": "success", "command": "diff", …}
```

`warnings`, a list of diagnostics, is there when there are any. When it is not:

```json
{"status": "error", "command": "diff", "message": "…", "hint": "…", "diagnostics": [{"severity": "error", "summary": "…", "detail": "…",
 "location": {"file": "shop.yaml", "line": 14, "column": 18, "path": "sessions.api.depends_on"}, "hint": "…"}], …}
```

`hint` is left out where there is none, as are a diagnostic's `detail`, `location` and `hint`. What is known nevertheless (which panes
failed, which checks did not pass) stands beside it under the same names as in a success. New names may be added; those that are here
keep their meaning.

| command | names in a success, besides `status` and `command` |
|---|---|
"""

_PANE = {
    "session": "the session's name",
    "pane_id": "the pane's position in it, from 0",
    "address": "what it can be called",
    "id": "tmux's",
}
SHAPES_OF = {
    "pane": (
        *("label", "state", "current_command", "pid", "exit_code", "active", "window", "width", "height", "title", "workspace"),
        "metadata",
    )
}  # fmt: skip
SHAPES: dict[str, dict[str, str]] = {
    "apply": {
        "workspace": "its name",
        "changes": "what was to be done, as in a plan",
        "failed": "address → reason",
        "skipped": "address → reason",
        "rolled_back": "whether a failure was undone",
        "elapsed": "seconds",
    },
    "apply --dry-run": {"dry_run": "true", "plan": "as in diff"},
    "attach": {"address": "what it means", "workspace": "whose it is", "argv": "what attaching would run"},
    "completion": {"shell": "its name", "script": "its text"},
    "delete": {
        "workspace": "its name",
        "changes": "what was to be done, as in a plan",
        "failed": "address → reason",
        "skipped": "address → reason",
        "rolled_back": "false",
        "elapsed": "seconds",
    },
    "diff": {
        "plan": "`changes` (`kind`, `address`, `verb`, `causes`, `stops`), `steps`, `notes` and the `world` it was made for"
    },
    "doctor": {
        "checks": "a list of `name`, `verdict` (`ok`, `note`, `warning`, `error`), `summary` and perhaps `hint`"
    },
    "get workspaces": {
        "workspaces": "a list of `name`, and how many `sessions`, `panes`, and panes in each status"
    },
    "get sessions": {
        "sessions": "a list of `address`, `workspace`, `tmux_name`, `windows`, `panes`, `foreign_panes`, `attached`, `labels`"
    },
    "get panes": {
        "panes": "a list of `address`, `workspace`, `window`, `id`, `status`, `detail`, `pid`, `seconds`, `exit_code`, `signal`,"
        " `title`, `labels`"
    },
    "graph": {
        "graph": "`workspace`, `nodes` (`address`, `session`, `step`) and `edges` (`from`, `to`, `condition`, `required`, `on_restart`)"
    },
    "import": {"kind": "what the file was", "manifest": "the manifest's text"},
    "import --out": {
        "kind": "what the file was",
        "manifest": "the manifest's text",
        "file": "where it is written",
    },
    "init": {
        "file": "what was written, or null",
        "workspace": "its name",
        "template": "its name or null",
        "panes": "a list of `address`, `command`, `source` and `port`, as they were found",
        "missing": "a list of `tool` that is not on PATH, and the `panes` that need it",
        "manifest": "its text",
    },
    "metrics": {
        "source": "`the daemon` or `this command`",
        "panes": "a list of `address`, `id`, `key`, `workspace`, `session`, `tmux_session`, `window`, `pid`, `condition`, `detail`,"
        " `restarts`, `health`, and `interval`, `cpu_percent`, `cpu_seconds`, `rss`, `pss`, `io_read`, `io_write`, `threads`, `processes`,"
        " `uptime` (seconds, bytes, percent of one core; null where nothing runs or nobody knows)",
        "sessions": "a list of `session`, `workspace`, `pane_count` and the sums",
        "groups": "of the `@group`s that were asked for: `group`, `pane_count` and the sums",
        "total": "`pane_count` and the sums",
    },
    "metrics --history": {
        "history": "a list of `address`, `id`, `workspace` and `points`: `time` (Unix time), `cpu_percent`, `rss`, `io_read_rate`,"
        " `io_write_rate` (bytes a second), `threads`, `processes`"
    },
    "find": {
        "pattern": "what was looked for",
        "sessions": "names",
        "matches": "a list of panes and `line`",
        "count": "of lines",
    },
    "group list": {
        "groups": "a list of `group`, `created_at`, `sessions`, `missing`, `metadata`",
        "count": "of them",
        "dependencies": "session → the sessions it waits for",
    },
    "label": {**_PANE, "labels": "all of them; or `key` and `value` of the one that was asked for"},
    "pane exec --wait": {
        **_PANE,
        "executed": "the command",
        "output": "what it printed",
        "exit_code": "its code, or null where nobody knows",
        "duration": "in seconds",
        "timed_out": "whether it took too long",
        "stopped_by": "`C-c`, `SIGTERM`, `SIGKILL` or null",
        "lost_bytes": "of its output that came faster than they were read",
    },
    "pane list": {
        "panes": "a list of panes with `" + "`, `".join(SHAPES_OF["pane"]) + "`",
        "count": "of them",
    },
    "pane status": {
        **_PANE,
        "state": "`idle`, `running` or `dead`",
        "running": "whether it is `running`",
        "current_command": "what has the terminal",
        "pid": "its process",
        "since_seconds": "how long it has run",
        "exit_code": "of a dead pane, or of the last command of a shell that tells; or null",
        "signal": "that ended a dead pane",
    },
    "session list": {
        "sessions": "a list of `name`, `id`, `workspace`, `created`, `attached`, `windows`, `panes`, `groups`, `health`, `reason`",
        "count": "of them",
    },
    "render": {"manifest": "the manifest in full"},
    "schema": {"schema": "the JSON Schema"},
    "status": {
        "measured": "whether a daemon measures health",
        "workspaces": "a list of `name`, counts, `groups`, and `sessions` → `windows` → `panes` (as in get panes, with `health`, "
        "`restarts`, `restarts_in` seconds, `ended_because`, `given_up`, `restarts_once` and `over_limits`)",
    },
    "template add": {"name": "what it is called", "path": "where it was put"},
    "template list": {
        "templates": "a list of `name`, `origin` (`orchestra`, `user`, `project`), `path` or null, and `description`"
    },
    "template show": {
        "name": "what it is called",
        "origin": "as in template list",
        "path": "where it is, or null",
        "manifest": "its text",
    },
    "events replay": {
        "runs": "a list of `run`, `workspace`, `trigger`, `action`, `attempts`, `since`, `failed` (Unix times), `reason`, `output`"
        " and the `event`"
    },
    "events subscribe": {"subscribed": "the trigger's name", "session": "its session"},
    "trigger add": {"added": "the triggers' names"},
    "trigger list": {
        "triggers": "a list of `workspace`, `name`, `on`, `from`, `when`, `limit`, `for`, `debounce`, `do` and `origin`"
        " (`manifest`, `added`, `schedule`, `watch`)"
    },
    "trigger remove": {"removed": "the triggers' names"},
    "trigger test": {
        "fired": "as in trigger list, with `time`, the `event`, and `limited`: why it would have been left out"
    },
    "validate": {"files": "a list of `file`, `valid` and `diagnostics`"},
    "version": {"orchestra": "its version", "tmux": "its version or null", "python": "its version"},
}
"""The e2e tests hold every command to it."""

AFTER = """
A pane's `status` is `running`, `typing` (lines of `send_keys` are not typed yet), `waiting` (never started), `completed` (exit code 0),
`failed` (another exit code, or a signal), or `ended` (its shell ended, or how is not known yet). `health` of panes, sessions and groups is
`health` (`healthy`, `degraded`, `unhealthy` or `unknown`), `reason` and `since` (ISO 8601, or null); where no daemon runs it is what
one look tells. `ended_because` says why the daemon ended what ran in it (a limit, its health), `given_up` why a pane is not started again
any more, `restarts_once` what is waited for before it is restarted with what it depends on,
`over_limits` which limits it is over and how far it is held down for that; they are empty where that is not so.
"""


def page() -> str:
    shapes = "".join(
        f"| `{command}` | " + " · ".join(f"`{name}`: {what}" for name, what in names.items()) + " |\n"
        for command, names in SHAPES.items()
    )
    return HEAD + shapes + AFTER + "".join(f"\n{part}" for part in _commands())


def _commands() -> Iterator[str]:
    group = cli.commands
    with click.Context(group, info_name="orchestra", **group.context_settings) as above:
        for name in sorted(cli.COMMANDS):
            command = group.get_command(above, name)
            assert command is not None
            aliases = [alias for alias, meant in cli.ALIASES.items() if meant == name]
            yield _command(name, command, aliases, above)
            if isinstance(command, click.Group):
                with click.Context(command, info_name=name, parent=above) as inside:
                    for each in command.list_commands(inside):
                        member = command.get_command(inside, each)
                        assert member is not None
                        yield _member(f"{name} {each}", each, member, inside)


def _command(name: str, command: click.Command, aliases: list[str], above: click.Context) -> str:
    ctx = click.Context(command, info_name=name, parent=above, terminal_width=100)
    text = command.get_help(ctx)
    also = f"\nAlso `orchestra {'`, `orchestra '.join(aliases)}`.\n" if aliases else ""
    return f"## orchestra {name}\n{also}\n```text\n{text}\n```\n"


def _member(name: str, own: str, command: click.Command, above: click.Context) -> str:
    ctx = click.Context(command, info_name=own, parent=above, terminal_width=100)
    return f"### orchestra {name}\n\n```text\n{command.get_help(ctx)}\n```\n"


def main() -> None:
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
