"""How the scripts of the tmux bridge spell what orchestra does: `orchestra NOUN-VERB`, the old arguments in the old order.

Only the table, because every start of orchestra reads it; `cli/bridge.py` runs what stands in it.
"""

from __future__ import annotations

from typing import NamedTuple

Word = str | tuple[str, ...]
"""A word of the new command, or words that are left out unless all their arguments are given."""


class Spelling(NamedTuple):
    old: str
    """Its arguments; `[…]` may be left out, `…` takes all that follow."""
    new: tuple[Word, ...]
    """`<SESSION>` is that argument, `<PANE>` the pane that SESSION and PANE mean, `<REST>` what `…` took."""
    about: str
    text: bool = False
    """A stream: its lines are text unless JSON is asked for."""


_AT = "SESSION PANE"

SPELLINGS = {
    "session-create": Spelling(
        "NAME [--dir DIR] [--layout LAYOUT]", ("session", "create", "<REST>"), "Make a detached session."
    ),
    "session-list": Spelling("", ("session", "list"), "List sessions, their groups, panes and health."),
    "sessions-list-all": Spelling("", ("session", "list"), "List sessions, their groups, panes and health."),
    "session-kill": Spelling("SESSION", ("session", "kill", "<SESSION>"), "End a session, gracefully."),
    "pane-create": Spelling("SESSION [LABEL]", ("pane", "create", "<SESSION>", ("<LABEL>",)), "Make a pane."),
    "pane-create-with-layout": Spelling(
        "SESSION LABEL LAYOUT",
        ("pane", "create", "--layout", "<LAYOUT>", "<SESSION>", "<LABEL>"),
        "Make a pane, and arrange the window.",
    ),
    "pane-kill": Spelling(_AT, ("pane", "kill", "<PANE>"), "End a pane, gracefully."),
    "pane-exec": Spelling(
        f"{_AT} COMMAND", ("pane", "exec", "--", "<PANE>", "<COMMAND>"), "Type a command into a pane's shell."
    ),
    "pane-exec-timeout": Spelling(
        f"{_AT} COMMAND SECONDS",
        ("pane", "exec", "--wait", "--timeout", "<SECONDS>", "--", "<PANE>", "<COMMAND>"),
        "Run a command in a pane's shell, and stop it after SECONDS.",
    ),
    "pane-capture": Spelling(
        f"{_AT} [LINES]", ("pane", "capture", "<PANE>", ("<LINES>",)), "Print a pane's last lines."
    ),
    "pane-is-running": Spelling(_AT, ("pane", "status", "<PANE>"), "Say whether a command runs in a pane."),
    "pane-status": Spelling(_AT, ("pane", "status", "<PANE>"), "Say what a pane does."),
    "pane-wait": Spelling(
        f"{_AT} [SECONDS]",
        ("pane", "wait", ("--timeout", "<SECONDS>"), "<PANE>"),
        "Wait until the running command has ended.",
    ),
    "pane-watch": Spelling(
        f"{_AT} PATTERN", ("pane", "wait", "--for", "<PATTERN>", "<PANE>"), "Wait until something is printed."
    ),
    "pane-watch-timeout": Spelling(
        f"{_AT} PATTERN SECONDS",
        ("pane", "wait", "--for", "<PATTERN>", "--timeout", "<SECONDS>", "<PANE>"),
        "Wait until something is printed, for SECONDS.",
    ),
    "pane-has-pattern": Spelling(
        f"{_AT} PATTERN [LINES]",
        ("pane", "has-pattern", "--", "<PANE>", "<PATTERN>", ("<LINES>",)),
        "Say whether something stands in the last lines.",
    ),
    "pane-stream": Spelling(
        f"{_AT} [FILTER]",
        ("logs", "--follow", "--tail", "0", ("--grep", "<FILTER>"), "<ID>"),
        "Print what a pane prints from now on.",
        text=True,
    ),
    "pane-tail": Spelling(
        f"{_AT} LINES",
        ("logs", "--follow", "--tail", "<LINES>", "<ID>"),
        "Print the last lines of a pane, and go on.",
        text=True,
    ),
    "pane-list-json": Spelling("[SESSION]", ("pane", "list", ("<SESSION>",)), "List panes."),
    "pane-list-detailed": Spelling("[SESSION]", ("pane", "list", ("<SESSION>",)), "List panes."),
    "pane-count": Spelling("[SESSION]", ("pane", "list", "--count", ("<SESSION>",)), "Count panes."),
    "panes-count-global": Spelling("", ("pane", "list", "--count"), "Count all panes."),
    "pane-find": Spelling(
        "SESSION LABEL", ("pane", "find", "<SESSION>", "<LABEL>"), "Find a pane by its label."
    ),
    "pane-metadata-set": Spelling(
        f"{_AT} KEY VALUE", ("label", "<PANE>", "<KEY>=<VALUE>"), "Put a key and a value on a pane."
    ),
    "pane-metadata-get": Spelling(
        f"{_AT} [KEY]", ("label", "<PANE>", ("<KEY>",)), "Print what is on a pane."
    ),
    "state-sync": Spelling(
        "[SESSION]", ("pane", "list", ("<SESSION>",)), "Read what is live: there is no other state."
    ),
    "pane-send-keys": Spelling(
        f"{_AT} KEYS…", ("pane", "send-keys", "--", "<PANE>", "<REST>"), "Press keys in a pane."
    ),
    "pane-send-stdin": Spelling(
        f"{_AT} TEXT", ("pane", "send-text", "--", "<PANE>", "<TEXT>"), "Type text, without Enter."
    ),
    "pane-signal": Spelling(
        f"{_AT} SIGNAL", ("pane", "signal", "<PANE>", "<SIGNAL>"), "Send a signal to what runs in a pane."
    ),
    "pane-interact": Spelling(
        _AT,
        ("pane", "attach", "--leave-on-eof", "<PANE>"),
        "Type into one pane; Ctrl-D leaves it.",
        text=True,
    ),
    "pane-set-limit": Spelling(
        f"{_AT} cpu|memory VALUE",
        ("limit", "--set", "<cpu|memory>", "<VALUE>", "<PANE>"),
        "Set what a pane may use: percent, or megabytes.",
    ),
    "pane-get-limits": Spelling(_AT, ("limit", "<PANE>"), "Print what a pane may use."),
    "group-create": Spelling("GROUP", ("group", "create", "<GROUP>"), "Make a group."),
    "group-add": Spelling(
        "GROUP SESSION…", ("group", "add", "<GROUP>", "<REST>"), "Put sessions into a group."
    ),
    "group-remove": Spelling(
        "GROUP SESSION…", ("group", "remove", "<GROUP>", "<REST>"), "Take sessions out of a group."
    ),
    "group-list": Spelling("[GROUP]", ("group", "list", ("<GROUP>",)), "List groups."),
    "group-exec": Spelling(
        "GROUP COMMAND",
        ("group", "exec", "--", "<GROUP>", "<COMMAND>"),
        "Type a command into every session of a group.",
    ),
    "group-kill": Spelling("GROUP", ("group", "kill", "<GROUP>"), "End every session of a group."),
    "sessions-find-pattern": Spelling(
        "PATTERN", ("find", "--", "<PATTERN>"), "Find the sessions that printed something."
    ),
    "session-depends": Spelling(
        "A B", ("session", "depends", "<A>", "<B>"), "Say that A waits for B to be healthy."
    ),
    "session-health": Spelling("SESSION", ("session", "health", "<SESSION>"), "Say how a session is."),
    "session-wait-healthy": Spelling(
        "SESSION [SECONDS]",
        ("session", "wait-healthy", ("--timeout", "<SECONDS>"), "<SESSION>"),
        "Wait until a session is healthy.",
    ),
    "session-save": Spelling(
        "SESSION [FILE]", ("snapshot", "save", "<SESSION>", ("--out", "<FILE>")), "Save a session to a file."
    ),
    "session-restore": Spelling(
        "FILE", ("restore", "--yes", "<MANIFEST>"), "Bring a session back from a file."
    ),
    "session-autosave": Spelling(
        "SESSION SECONDS",
        ("snapshot", "autosave", "on", "--every", "<SECONDS>", "<SESSION>"),
        "Save a session by itself, every SECONDS.",
    ),
    "session-autosave-stop": Spelling(
        "[SESSION]", ("snapshot", "autosave", "off", ("<SESSION>",)), "Save by yourself no longer."
    ),
    "session-snapshots": Spelling("[SESSION]", ("snapshot", "list"), "List snapshots."),
    "session-snapshot-delete": Spelling("FILE", ("snapshot", "delete", "<FILE>"), "Delete a snapshot."),
    "event-subscribe": Spelling(
        "SESSION EVENT [PATTERN|SECONDS] CALLBACK",
        ("events", "subscribe", "<REST>"),
        "Run a command whenever something happens in a session.",
    ),
    "gc-enable": Spelling("[TTL]", ("gc", "enable", ("<TTL>",)), "Collect idle sessions after TTL seconds."),
    "gc-disable": Spelling("", ("gc", "disable"), "Collect nothing but what manifests say."),
    "gc-run": Spelling("[force]", ("gc", "run", ("--<force>",)), "Collect now what may go."),
    "gc-status": Spelling("", ("gc", "status"), "Say what is collected, and when."),
    "daemon-start": Spelling("[SESSION]", ("daemon", "start"), "Start the daemon of this tmux server."),
    "daemon-stop": Spelling("[SESSION]", ("daemon", "stop"), "Stop it."),
    "daemon-status": Spelling("[SESSION]", ("daemon", "status"), "Say how it is."),
    "daemon-restart": Spelling("[SESSION]", ("daemon", "restart"), "Stop it and start it again."),
    "daemon-logs": Spelling("[SESSION]", ("daemon", "logs"), "Print what it wrote.", text=True),
}
