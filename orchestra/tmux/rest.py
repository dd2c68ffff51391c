"""Whether anybody is or was at a session: asked in the same turn as the one reading, and compared whole before anything is taken.

What tmux offers (3.3a, measured): every byte a pane prints moves `window_activity`, in seconds, and what is typed at a prompt is printed
by it or by the terminal; the cursor tells it within a second. A terminal that does not echo shows nothing of what is typed, but no shell
is at its prompt then. `session_activity` moves by an attached client's keys only, and is not needed: who is attached counts, and who was
has left `session_last_attached`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from orchestra.model import status
from orchestra.tmux import observe, quote

PIN = "@orchestra_pin"
"""Inherited downwards on purpose: set on a session it holds for all in it."""

_OF_PANE = (
    "pane_id", "pane_pid", "pane_dead", "pane_in_mode", "pane_input_off", "window_id", "window_linked", "session_id",
    "session_grouped", "session_attached",
)  # fmt: skip
PANE = " ".join(f"#{{{name}}}" for name in _OF_PANE) + f" #{{{PIN}}} #{{{observe.PANE}}}"
"""Of a pane that is dead: its siblings may print."""
_MOVES = ["cursor_x", "cursor_y", "history_size", "window_activity", "window_panes"]
_OF_SHELL = f"{PANE} " + " ".join(f"#{{{name}}}" for name in _MOVES) + " #{pane_current_command}"
_OF_SESSION = [
    "session_id",
    "session_attached",
    "session_last_attached",
    "session_windows",
    "session_grouped",
]
SESSION = (
    " ".join(f"#{{{name}}}" for name in _OF_SESSION)
    + f" #{{{observe.SESSION}}} #{{session_name}}|#{{W:#{{window_id}} #{{window_name}}|#{{P:{_OF_SHELL}|}}}}"
)
_ROW = " ".join(f"#{{{name}}}" for name in (*_OF_PANE, PIN))


def question() -> tuple[tuple[str, ...], bytes]:
    """The one reading, and behind the word that is given with it whether anybody was there."""
    word = f"rest {secrets.token_hex(8)}"
    asked = (
        *observe.QUESTION, ";", "display-message", "-p", word,
        ";", "list-sessions", "-F", f"Z #{{session_id}} {SESSION}",
        ";", "list-panes", "-a", "-F", f"Y {_ROW}",
        ";", "list-panes", "-a", "-F", f"X #{{pane_id}} {PANE}",
    )  # fmt: skip
    return asked, word.encode()


def parse(raw: bytes, word: bytes) -> tuple[observe.Reading, dict[str, status.Rest]]:
    """By id, of sessions and panes. What cannot be understood is left out, and rests with nobody."""
    listed, _, told = raw.rpartition(b"\n" + word + b"\n")
    reading = observe.parse(listed + b"\n")
    rows: dict[str, list[tuple[str, ...]]] = {}
    texts: dict[str, list[str]] = {}
    for line in told.decode(errors="surrogateescape").split("\n"):
        match line[:2]:
            case "Y ":
                words = tuple(line[2:].split(" ", len(_OF_PANE)))
                if len(words) == len(_OF_PANE) + 1:
                    rows.setdefault(words[0], []).append(words)
            case "Z " | "X ":
                id_, _, text = line[2:].partition(" ")
                texts.setdefault(id_, []).append(text)
    panes = {
        id_: _pane(texts[id_][0], found[0])
        for id_, found in rows.items()
        if len(found) == 1 and len(texts.get(id_, ())) == 1
    }
    rests = dict(panes)
    for session in reading.server.sessions:
        ids = [pane.id for window in session.windows for pane in window.panes]
        known = [panes[each] for each in ids if each in panes]
        if len(known) == len(ids) and len(texts.get(session.id, ())) == 1:
            rests[session.id] = _session(texts[session.id][0], known)
    return reading, rests


def _pane(text: str, words: tuple[str, ...]) -> status.Rest:
    found = dict(zip((*_OF_PANE, PIN), words, strict=True))
    return status.Rest(
        text=text,
        attached=found["session_attached"] != "0",
        shared=found["window_linked"] != "0" or found["session_grouped"] != "0",
        pinned=found[PIN] not in ("", "0", "off"),
        moded=found["pane_in_mode"] != "0" or found["pane_input_off"] != "0",
    )


def _session(text: str, panes: list[status.Rest]) -> status.Rest:
    return status.Rest(
        text=text,
        attached=any(each.attached for each in panes),
        shared=any(each.shared for each in panes),
        pinned=any(each.pinned for each in panes),
        moded=any(each.moded for each in panes),
    )


def same(format: str, text: str) -> str:
    """The condition that it rests as it did."""
    return f"#{{==:{format},{quote.compared(text)}}}"


def pins(panes: Sequence[str], *, pinned: bool) -> list[str]:
    """Lines that pin panes, by id, or unpin them."""
    flags, value = ("-pt", ("1",)) if pinned else ("-put", ())
    return [quote.command("set-option", flags, each, PIN, *value) for each in panes]
