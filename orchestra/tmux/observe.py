"""The one reading of a server, and its parser.

Numbers and ids come first, then every text with its length in bytes before it (`#{n:x}:#{x}`), so that no name, title or option,
whatever it holds, can be taken for another field or line.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from orchestra.model import errors, status
from orchestra.model.frozen import frozen

SESSION = "@orchestra_session"
WINDOW = "@orchestra_window"
PANE = "@orchestra_pane"
"""Marks. Options inherit downwards, so each level has its own name: a person's pane in our window bears no `@orchestra_pane`."""
RECORD = "_record"
LAYOUT = "@orchestra_layout"
KEY = "@orchestra_key"
RECORDINGS = "@orchestra_recordings"
BELLS = "@orchestra_bells"
LIMITS = "@orchestra_limits"
"""Of a pane: those set by hand."""
RULES = "@orchestra_rules"
"""Of all workspaces in one server option, so that the one reading has it: `NAME=BASE64 NAME=BASE64`."""
GROUPS = "@orchestra_groups"
NAME = "@orchestra_name"
LABELS = "@orchestra_labels"
"""JSON in ASCII."""
HAND = "@orchestra_hand"
"""These three stand on panes, and are people's: of panes of a manifest, too."""

_NUMBERS = [
    "session_id",
    "window_id",
    "pane_id",
    "window_index",
    "pane_index",
    "pane_pid",
    "pane_dead",
    "pane_active",
    "window_active",
    "window_zoomed_flag",
    "window_width",
    "window_height",
    "session_attached",
    "session_created",
    "pane_pipe",
    "pane_in_mode",
    "pane_input_off",
]
_TEXTS = (
    "session_name",
    SESSION,
    SESSION + RECORD,
    "window_name",
    "window_layout",
    LAYOUT,
    BELLS,
    WINDOW,
    WINDOW + RECORD,
    "pane_dead_status",
    "pane_dead_signal",
    "pane_tty",
    "pane_title",
    PANE,
    PANE + RECORD,
    LIMITS,
    NAME,
    LABELS,
    HAND,
)


def _texts(names: tuple[str, ...]) -> str:
    return "".join(f" #{{n:{name}}}:#{{{name}}}" for name in names)


_PANES = "P " + " ".join(f"#{{{name}}}" for name in _NUMBERS) + _texts(_TEXTS)
_SERVER = "S #{pid} #{start_time}" + _texts(("version", KEY, RECORDINGS, RULES, GROUPS))
_CLIENTS = "C #{client_control_mode}" + _texts(("client_flags", "client_name"))
ATTACHED = "#{S:#{session_attached_list}|}"
"""Who is attached where: it changes when a client comes or goes. No client's name can hold a newline."""

QUESTION = (
    "display-message", "-p", _SERVER, ";", "list-panes", "-a", "-F", _PANES, ";", "list-clients", "-F", _CLIENTS,
    ";", "display-message", "-p", f"A {ATTACHED}",
)  # fmt: skip


@frozen
class Reading:
    server: status.Server
    control_clients: tuple[str, ...]
    """Names of the attached control-mode clients that receive output: other people's, we have none."""
    attached: str
    """What `ATTACHED` was."""


_LONGEST = 24
"""Bytes of a number or an id, with the space behind it."""


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def until(self, stop: bytes) -> str:
        end = self.raw.find(stop, self.at)
        if end < 0:
            raise ValueError("a field does not end")
        found, self.at = self.raw[self.at : end], end + 1
        return found.decode(errors="surrogateescape")

    def text(self) -> str:
        (found,) = self.texts(1)
        return found

    def texts(self, count: int) -> list[str]:
        raw, at = self.raw, self.at
        found: list[str] = []
        for _ in range(count):
            start = raw.find(b":", at) + 1
            if not start:
                raise ValueError("a field does not end")
            end = start + int(raw[at : start - 1])
            # Whatever stands behind the last one has to be there as well.
            if end >= len(raw) or raw[end] not in b" \n":
                raise ValueError("a text does not end where it says")
            found.append(raw[start:end].decode("utf-8", "surrogateescape") if end > start else "")
            at = end + 1
        self.at = at
        return found

    def words(self, count: int) -> list[str]:
        """Numbers and ids, each with a space behind it."""
        found = self.raw[self.at : self.at + _LONGEST * count].split(b" ", count)
        if len(found) <= count:
            raise ValueError("a field does not end")
        self.at += sum(map(len, found[:count])) + count
        return [each.decode("utf-8", "surrogateescape") for each in found[:count]]


def parse(raw: bytes) -> Reading:
    """`TmuxUnavailable` when it is not what we asked for: then nobody knows what is there."""
    reader = _Reader(raw)
    head: tuple[int, int, list[str]] | None = None
    rows: list[tuple[list[str], dict[str, str]]] = []
    control: list[str] = []
    attached = ""
    try:
        while reader.at < len(raw):
            if raw[reader.at : reader.at + 2] not in (b"S ", b"P ", b"C ", b"A "):
                reader.until(b"\n")  # a person's hook printed it
                continue
            match reader.until(b" "):
                case "S":
                    pid, started = int(reader.until(b" ")), int(reader.until(b" "))
                    head = (pid, started, reader.texts(5))
                case "P":
                    rows.append(
                        (
                            reader.words(len(_NUMBERS)),
                            dict(zip(_TEXTS, reader.texts(len(_TEXTS)), strict=True)),
                        )
                    )
                case "C":
                    mode, flags, name = reader.until(b" "), reader.text(), reader.text()
                    if mode == "1" and "no-output" not in flags.split(","):
                        control.append(name)
                case "A":
                    attached = reader.until(b"\n")
                case other:
                    raise AssertionError(other)
        if head is None:
            raise ValueError("the server did not say who it is")
        server = status.Server(
            running=True,
            pid=head[0],
            started=head[1],
            version=head[2][0],
            key=head[2][1],
            recordings=head[2][2],
            rules=rules(head[2][3]),
            groups=head[2][4],
            sessions=_sessions(rows),
        )
    except ValueError as error:
        raise errors.TmuxUnavailable(
            f"cannot understand what the tmux server lists: {error}",
            hint="orchestra doctor says whether this tmux version is supported",
        ) from error
    return Reading(server=server, control_clients=tuple(control), attached=attached)


def rules(option: str) -> dict[str, str]:
    """What is not ours to read is left out."""
    found: dict[str, str] = {}
    for word in option.split():
        name, _, coded = word.partition("=")
        with contextlib.suppress(ValueError):
            found[name] = base64.b64decode(coded, altchars=b"-_", validate=True).decode()
    return found


def rules_option(rules: Mapping[str, str]) -> str:
    """The other way round."""
    return " ".join(
        f"{name}={base64.urlsafe_b64encode(text.encode()).decode()}" for name, text in rules.items() if text
    )


def _sessions(rows: list[tuple[list[str], dict[str, str]]]) -> tuple[status.Session, ...]:
    # id -> (a row of it, window id -> (a row of it, panes)): dicts keep tmux's order.
    tree: dict[str, tuple[_Row, dict[str, tuple[_Row, list[status.Pane]]]]] = {}
    for numbers, texts in rows:
        row = _Row(dict(zip(_NUMBERS, numbers, strict=True)), texts)
        _, windows = tree.setdefault(row.number["session_id"], (row, {}))
        # Keyed by index too: a window may be linked twice into one session.
        key = f"{row.number['window_id']} {row.number['window_index']}"
        _, panes = windows.setdefault(key, (row, []))
        panes.append(_pane(row))
    return tuple(
        status.Session(
            id=id_,
            name=row.text["session_name"],
            created=int(row.number["session_created"]),
            attached=int(row.number["session_attached"]),
            mark=status.Mark.parse(row.text[SESSION]),
            record=row.text[SESSION + RECORD],
            windows=tuple(_window(first, panes) for first, panes in windows.values()),
        )
        for id_, (row, windows) in tree.items()
    )


@dataclass(frozen=True, slots=True)
class _Row:
    number: Mapping[str, str]
    text: Mapping[str, str]


def _window(row: _Row, panes: list[status.Pane]) -> status.Window:
    return status.Window(
        id=row.number["window_id"],
        index=int(row.number["window_index"]),
        name=row.text["window_name"],
        layout=row.text["window_layout"],
        width=int(row.number["window_width"]),
        height=int(row.number["window_height"]),
        active=row.number["window_active"] == "1",
        zoomed=row.number["window_zoomed_flag"] == "1",
        bells=int(row.text[BELLS]) if row.text[BELLS].isdecimal() else 0,
        mark=status.Mark.parse(row.text[WINDOW]),
        record=row.text[WINDOW + RECORD],
        applied_layout=row.text[LAYOUT],
        panes=tuple(panes),
    )


def _labels(text: str) -> Mapping[str, str]:
    if not text:
        return {}
    import json  # where somebody has put labels on a pane

    try:
        plain = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(key): str(value) for key, value in plain.items()} if isinstance(plain, dict) else {}


def _pane(row: _Row) -> status.Pane:
    code, signal = row.text["pane_dead_status"], row.text["pane_dead_signal"]
    return status.Pane(
        id=row.number["pane_id"],
        index=int(row.number["pane_index"]),
        pid=int(row.number["pane_pid"]),
        dead=row.number["pane_dead"] == "1",
        exit_code=int(code) if code else None,
        signal=int(signal) if signal else None,
        active=row.number["pane_active"] == "1",
        tty=row.text["pane_tty"],
        title=row.text["pane_title"],
        piped=row.number["pane_pipe"] == "1",
        in_mode=row.number["pane_in_mode"] != "0",
        deaf=row.number["pane_input_off"] == "1",
        name=row.text[NAME],
        labels=_labels(row.text[LABELS]),
        uid=row.text[HAND],
        mark=status.Mark.parse(row.text[PANE]),
        record=row.text[PANE + RECORD],
        limits=row.text[LIMITS],
    )
