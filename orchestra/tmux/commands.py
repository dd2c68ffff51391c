"""Actions as tmux command lines: the one place that builds them. Pure; `adapter.py` sends them.

A line is all or nothing: when one of its commands fails tmux leaves out the rest of that line, and only it. Each line ends by printing
`+N` with the ids it made or touched, so what is not confirmed did not happen.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from orchestra.model import action, status
from orchestra.tmux import observe, quote, recording, rest

Commands = list[tuple[str, ...]]


def line(number: int, target: str, commands: Sequence[Sequence[str]]) -> str:
    said = f"+{_NONCE} {number} #{{session_id}} #{{window_id}} #{{pane_id}}"
    return _chain([*commands, ("display-message", "-p", "-t", target, said)])


def named(number: int, commands: Sequence[Sequence[str]]) -> str:
    """Commands that give what order `number` made its final name; `=N` says that it has it."""
    return _chain([*commands, _say("=", number)])


def _chain(commands: Sequence[Sequence[str]]) -> str:
    return " ; ".join(quote.command(*each) for each in commands)


def guarded(
    number: int, kind: action.Kind, target: str, expect: status.Mark | None, commands: Sequence[Sequence[str]]
) -> str:
    """The commands, if the object is there and bears the mark (or none, when `expect` is None); else `!N`. One step of the server."""
    return _if(
        target, bears(kind, target, expect), [*commands, _say("+", number)], _chain([_say("!", number)])
    )


def bears(kind: action.Kind, target: str, expect: status.Mark | None) -> str:
    """The condition. The id is compared too: where the target is gone tmux asks the server's own options, which bear no mark either."""
    option, _ = option_of(kind)
    wanted = str(expect) if expect is not None else ""
    there = f"#{{==:#{{{kind}_id}},{target.rstrip(':')}}}"
    return f"#{{&&:{there},#{{==:#{{{option}}},{quote.compared(wanted)}}}}}"


def collected(kind: action.Kind, target: str, expect: status.Mark, text: str) -> str:
    """The removal, if the object bears the mark and rests as it did; else `!N`. One command that destroys, and one turn of the server."""
    look, kill = (rest.SESSION, "kill-session") if kind is action.Kind.SESSION else (rest.PANE, "kill-pane")
    condition = f"#{{&&:{bears(kind, target, expect)},{rest.same(look, text)}}}"
    return _if(target, condition, [(kill, "-t", target), _say("+", 0)], _chain([_say("!", 0)]))


def respawned(
    number: int,
    target: str,
    expect: status.Mark,
    attached: str,
    commands: Sequence[Sequence[str]],
) -> str:
    """As `guarded`, and only if nobody has attached or left since `attached` was read (else `~N`): see `respawn`."""
    mark = bears(action.Kind.PANE, target, expect)
    same = f"#{{==:{observe.ATTACHED},{quote.compared(attached)}}}"
    otherwise = _if(target, mark, [_say("~", number)], _chain([_say("!", number)]))
    return _if(target, f"#{{&&:{mark},{same}}}", [*commands, _say("+", number)], otherwise)


def _if(target: str, condition: str, commands: Sequence[Sequence[str]], otherwise: str) -> str:
    return quote.command("if-shell", "-F", "-t", target, condition, _chain(commands), otherwise)


def _say(sign: str, number: int) -> tuple[str, ...]:
    return ("display-message", "-p", f"{sign}{_NONCE} {number}")


_NONCE = secrets.token_hex(4)
"""People's hooks print into our replies too; only lines with this are ours."""


def told(row: str) -> tuple[str, list[str]]:
    """The sign and what follows (the number, ids) of a line that one of our commands printed; `("", [])` of any other."""
    sign, (first, *words) = row[:1], row[1:].split(" ")
    return (sign, words) if first == _NONCE and words else ("", [])


def session_setup(target: str, mark: status.Mark, record: str) -> Commands:
    return [
        # A server that ends sessions or itself when nobody is attached would end ours at once.
        ("set-option", "-t", target, "destroy-unattached", "off"),
        *_marks("-t", target, observe.SESSION, mark, record),
    ]


def window_setup(target: str, mark: status.Mark, record: str, *, new: bool = False) -> Commands:
    """`new`: it was made with a name, and that has switched `automatic-rename` off."""
    automatic = [] if new else [("set-option", "-w", "-t", target, "automatic-rename", "off")]
    return [
        *automatic,
        ("set-option", "-w", "-t", target, "allow-rename", "off"),
        ("set-option", "-w", "-t", target, "synchronize-panes", "off"),
        *_marks("-wt", target, observe.WINDOW, mark, record),
    ]


def pane_setup(
    target: str, mark: status.Mark, record: str, title: str | None, recordings: str = ""
) -> Commands:
    """With `recordings` in the same turn of the server that starts it, so that not a byte is missed."""
    titled: Commands = [] if title is None else [("select-pane", "-t", target, "-T", quote.literal(title))]
    return [
        ("set-option", "-pt", target, "remain-on-exit", "on"),
        *_marks("-pt", target, observe.PANE, mark, record),
        *titled,
        *([recording.recorded(target, recordings)] if recordings else ()),
    ]


def _marks(flags: str, target: str, option: str, mark: status.Mark, record: str) -> Commands:
    return [
        ("set-option", flags, target, option, str(mark)),
        ("set-option", flags, target, option + observe.RECORD, record),
    ]


def options(what: action.SetOptions, target: str) -> Commands:
    _, flags = option_of(what.kind)  # that ends with `t`
    unset = [("set-option", f"-qu{flags[1:]}", target, name) for name in what.unset]
    return [*unset, *(("set-option", flags, target, name, value) for name, value in what.options.items())]


def rules(number: int, kept: Mapping[str, str]) -> str:
    """Of all workspaces, by their names."""
    return _chain([("set-option", "-s", observe.RULES, observe.rules_option(kept)), _say("+", number)])


def unmark(flags: str, target: str, option: str) -> Commands:
    names = [option, option + observe.RECORD]
    if option == observe.WINDOW:
        names.append(observe.LAYOUT)
    return [("set-option", f"-u{flags[1:]}", target, name) for name in names]


def launched(launch: action.Launch) -> tuple[str, ...]:
    """Directory, environment and words: several words are exec'd as they are, one would be given to a shell."""
    if len(launch.argv) < 2:
        raise ValueError("a launch needs at least two words, or tmux hands it to a shell")
    env, argv = [f"{name}={value}" for name, value in launch.env.items()], launch.argv
    if argv[0] == "/usr/bin/env" and argv[1].endswith("=") and len(argv) > 3:
        # A variable that is only emptied: tmux does it itself, without a program between (0.75 ms a pane).
        env, argv = [*env, argv[1]], argv[2:]
    return ("-c", quote.literal(launch.dir), *(part for each in env for part in ("-e", each)), "--", *argv)


def respawn(target: str, launch: action.Launch, control_clients: Sequence[str]) -> Commands:
    """In place. Up to tmux 3.7 a control client that is behind on the pane crashes the server (tmux#5498): so what is queued for each is
    dropped before, and each goes on with the new process's output after. Measured: 0 of 3,535, unprotected 20 of 20 (tmux-facts.md)."""
    pause = [("refresh-client", "-t", client, "-A", f"{target}:pause") for client in control_clients]
    go_on = [("refresh-client", "-t", client, "-A", f"{target}:continue") for client in control_clients]
    return [*pause, ("respawn-pane", "-k", "-t", target, *launched(launch)), *go_on]


def shielded(lines: Sequence[str]) -> list[str]:
    """Lines that create, kept from settings that would end the server: a global `window-size manual` crashes 3.3a and 3.5a at the next
    new window; `exit-unattached` ends a server that nobody is attached to, and with it what was just started."""
    kept = "@orchestra_window_size"
    return [
        quote.command("set-option", "-s", "exit-unattached", "off"),
        quote.command(
            "if-shell", "-F", "#{==:#{window-size},manual}",
            _chain([("set-option", "-g", kept, "manual"), ("set-option", "-gw", "window-size", "latest")]),
        ),
        *lines,
        quote.command(
            "if-shell", "-F", f"#{{==:#{{{kept}}},manual}}",
            _chain([("set-option", "-gw", "window-size", "manual"), ("set-option", "-gu", kept)]),
        ),
    ]  # fmt: skip


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
