"""A text into a pane, once, and a notice for who is attached. What is said stands in a buffer or an option, never in a format."""

from __future__ import annotations

import secrets
from enum import StrEnum

from orchestra.model import action, status
from orchestra.tmux import commands, quote, server

TYPED = "@orchestra_typed"
"""Numbers of what a pane was given, the newest first, so that what is sent again is not typed again."""
REMEMBERED = 512
"""Characters of them."""
NOTICE = "@orchestra_notice"


class Verdict(StrEnum):
    DONE = "it was typed"
    ALREADY = "it was typed before"
    MOVED = "it is no longer what was seen"
    DEAD = "its process has ended"
    IN_MODE = "it is in copy mode: somebody looks at its history"
    DEAF = "its input is switched off"
    SYNCHRONIZED = "its window types into all its panes at once"
    UNKNOWN = "the tmux server does not say whether it was typed"


class Telling:
    def __init__(self, host: server.Server) -> None:
        self._host = host

    def type(self, pane: str, mark: status.Mark, text: str, id: str, *, enter: bool) -> Verdict:
        """Pasted, so that it reaches this one pane and no key of it means anything; with Enter. Once for an `id`."""
        buffer = f"orchestra-{secrets.token_hex(6)}"
        steps = [
            ("set-buffer", "-b", buffer, "--", text),
            ("paste-buffer", "-p", "-r", "-d", "-b", buffer, "-t", pane),
            # Apart from the text, or a program that reads pastes takes it for a part of it.
            *(_pasted(pane, f"{buffer}-enter", "\r") if enter else ()),
        ]
        return self._once(pane, mark, id, steps if text else _pasted(pane, buffer, "\r"))

    def keys(self, pane: str, mark: status.Mark, keys: tuple[str, ...], id: str) -> Verdict:
        """As tmux names them; what is no key's name is text. Once for an `id`."""
        return self._once(pane, mark, id, [("send-keys", "-t", pane, "--", *keys)], alone=True)

    def _once(
        self, pane: str, mark: status.Mark, id: str, steps: list[tuple[str, ...]], *, alone: bool = False
    ) -> Verdict:
        """In one step of the server: that it is the pane, that it can take it, that it was not given it before, and the giving."""
        nonce = secrets.token_hex(4)
        same = commands.bears(action.Kind.PANE, pane, mark)
        new = f"#{{!=:#{{m:*{id}*,#{{{TYPED}}}}},1}}"
        able = _all(
            "#{==:#{pane_dead},0}",
            "#{==:#{pane_input_off},0}",
            "#{==:#{pane_in_mode},0}",
            *(("#{==:#{pane_synchronized},0}",) if alone else ()),
        )
        remembered = f"{id} #{{={REMEMBERED}:{TYPED}}}"
        deeds = [
            *steps,
            ("set-option", "-pFt", pane, TYPED, remembered),
            ("display-message", "-p", f"+{nonce}"),
        ]
        told = f"!{nonce} #{{?{same},1,}}x #{{?{new},,1}}x #{{pane_dead}} #{{pane_in_mode}} #{{pane_input_off}} #{{pane_synchronized}}"
        line = quote.command(
            "if-shell", "-F", "-t", pane, _all(same, able, new), _chain(deeds),
            _chain([("display-message", "-p", "-t", pane, told)]),
        )  # fmt: skip
        said = self._host.source([line]).out.decode(errors="replace").split("\n")
        if f"+{nonce}" in said:
            return Verdict.DONE
        why = next((row.split(" ")[1:] for row in said if row.startswith(f"!{nonce} ")), [])
        return _verdict(why)

    def notice(self, text: str) -> int:
        """On the status line of every client; to how many."""
        reply = self._host.ask("list-clients", "-F", "#{client_control_mode} #{client_name}")
        rows = (row.partition(" ") for row in reply.out.decode(errors="surrogateescape").split("\n") if row)
        clients = [name for control, _, name in rows if control == "0"]
        if not clients:
            return 0
        shown = ("display-message", "-d", "10000")
        # A message's styles are read once more, when it is drawn.
        lines = [quote.command("set-option", "-s", NOTICE, text.replace("#[", "# ["))]
        lines += [quote.command(*shown, "-c", name, f"#{{{NOTICE}}}") for name in clients]
        self._host.source([*lines, quote.command("set-option", "-su", NOTICE)])
        return len(clients)


def _pasted(pane: str, buffer: str, text: str) -> list[tuple[str, ...]]:
    return [
        ("set-buffer", "-b", buffer, "--", text),
        ("paste-buffer", "-r", "-d", "-b", buffer, "-t", pane),
    ]


def _verdict(why: list[str]) -> Verdict:
    match why:
        case ["1x", "1x", *_]:
            return Verdict.ALREADY
        case ["1x", _, "1", *_]:
            return Verdict.DEAD
        case ["1x", _, _, mode, *_] if mode != "0":
            return Verdict.IN_MODE
        case ["1x", _, _, _, "1", *_]:
            return Verdict.DEAF
        case ["1x", *_, "1"]:
            return Verdict.SYNCHRONIZED
        case [_, *_]:
            return Verdict.MOVED
        case _:
            return Verdict.UNKNOWN


def _all(*conditions: str) -> str:
    found = conditions[-1]
    for each in reversed(conditions[:-1]):
        found = f"#{{&&:{each},{found}}}"
    return found


def _chain(steps: list[tuple[str, ...]]) -> str:
    return " ; ".join(quote.command(*each) for each in steps)
