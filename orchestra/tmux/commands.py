"""Actions as tmux command lines: the one place that builds them. Pure; `adapter.py` sends them.

A line is all or nothing: when one of its commands fails tmux leaves out the rest of that line, and only it. Each line ends by printing
`+N` with the ids it made or touched, so what is not confirmed did not happen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestra.model import action, status
from orchestra.tmux import observe, quote

Commands = list[tuple[str, ...]]


def line(number: int, target: str, commands: Sequence[Sequence[str]]) -> str:
    said = f"+{number} #{{session_id}} #{{window_id}} #{{pane_id}}"
    return _chain([*commands, ("display-message", "-p", "-t", target, said)])


def named(number: int, commands: Sequence[Sequence[str]]) -> str:
    """Commands that give what order `number` made its final name; `=N` says that it has it."""
    return _chain([*commands, ("display-message", "-p", f"={number}")])


def _chain(commands: Sequence[Sequence[str]]) -> str:
    return " ; ".join(quote.command(*each) for each in commands)


def guarded(
    number: int, target: str, option: str, expect: status.Mark | None, commands: Sequence[Sequence[str]]
) -> str:
    """The commands, if the object still bears the mark (or none, when `expect` is None); else `!N`. One step of the server."""
    wanted = str(expect) if expect is not None else ""
    return quote.command(
        "if-shell", "-F", "-t", target, f"#{{==:#{{{option}}},{wanted}}}",
        _chain([*commands, ("display-message", "-p", f"+{number}")]),
        _chain([("display-message", "-p", f"!{number}")]),
    )  # fmt: skip


def session_setup(target: str, mark: status.Mark, record: str) -> Commands:
    return [
        # A server that ends sessions or itself when nobody is attached would end ours at once.
        ("set-option", "-t", target, "destroy-unattached", "off"),
        *_marks("-t", target, observe.SESSION, mark, record),
    ]


def window_setup(target: str, mark: status.Mark, record: str) -> Commands:
    return [
        ("set-option", "-w", "-t", target, "automatic-rename", "off"),
        ("set-option", "-w", "-t", target, "allow-rename", "off"),
        ("set-option", "-w", "-t", target, "synchronize-panes", "off"),
        *_marks("-wt", target, observe.WINDOW, mark, record),
    ]


def pane_setup(target: str, mark: status.Mark, record: str, title: str | None) -> Commands:
    titled: Commands = [] if title is None else [("select-pane", "-t", target, "-T", quote.literal(title))]
    return [
        ("set-option", "-pt", target, "remain-on-exit", "on"),
        *_marks("-pt", target, observe.PANE, mark, record),
        *titled,
    ]


def _marks(flags: str, target: str, option: str, mark: status.Mark, record: str) -> Commands:
    return [
        ("set-option", flags, target, option, str(mark)),
        ("set-option", flags, target, option + observe.RECORD, record),
    ]


def unmark(flags: str, target: str, option: str) -> Commands:
    names = [option, option + observe.RECORD]
    if option == observe.WINDOW:
        names.append(observe.LAYOUT)
    return [("set-option", f"-u{flags[1:]}", target, name) for name in names]


def launched(launch: action.Launch) -> tuple[str, ...]:
    """Directory, environment and words: several words are exec'd as they are, one would be given to a shell."""
    if len(launch.argv) < 2:
        raise ValueError("a launch needs at least two words, or tmux hands it to a shell")
    env = [part for name, value in launch.env.items() for part in ("-e", f"{name}={value}")]
    return ("-c", quote.literal(launch.dir), *env, "--", *launch.argv)


def respawn(target: str, launch: action.Launch, control_clients: Sequence[str]) -> Commands:
    """In place. A control client that is behind on the pane would crash the server (tmux#5498): what is queued for it is dropped
    before, and it goes on with the new process's output after."""
    pane = [("refresh-client", "-t", client, "-A", f"{target}:pause") for client in control_clients]
    on = [("refresh-client", "-t", client, "-A", f"{target}:continue") for client in control_clients]
    return [*pane, ("respawn-pane", "-k", "-t", target, *launched(launch)), *on]


PLACEHOLDER = ("sleep", "2147483647")
"""A new session's first process, replaced in the same line: `new-session -e` would put secrets into the session's environment."""


def option_of(kind: action.Kind) -> tuple[str, str]:
    """The mark's option and the flags that set it."""
    options: Mapping[action.Kind, tuple[str, str]] = {
        action.Kind.SESSION: (observe.SESSION, "-t"),
        action.Kind.WINDOW: (observe.WINDOW, "-wt"),
        action.Kind.PANE: (observe.PANE, "-pt"),
    }
    return options[kind]
