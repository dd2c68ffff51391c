"""What stands on the live objects besides the mark: the spec last applied, so that a plan can say what changed, from what to what.

A record is canonical JSON: equal specs give equal text, and comparing texts is the whole comparison when nothing changed.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import hmac
import json
import signal
from collections.abc import Mapping
from dataclasses import field

from orchestra.model import codec, spec
from orchestra.model.frozen import frozen

RESTART = ("command", "send_keys", "shell", "dir", "env")
"""The fields whose change restarts a pane; with them a secret's name or value."""
ELSEWHERE = ("size", "focus")
"""Fields of a pane that are its window's business and stand in the window's record."""

AT_START = ("was", "scrollback_file", "history_file", "opened")
"""Fields that mean something only when a pane is made, and are no change of one that is there."""
OWED = "owed"


@frozen
class PaneRecord:
    pane: spec.Pane
    secrets: Mapping[str, str]
    """Variable name -> digest of the value the running process was given."""
    beside: Mapping[str, str] = field(default_factory=dict)
    """Address of what restarts it (`on_restart: cascade`) -> the process that was there when this one was started (`cascade.process`)."""


def text(plain: object) -> str:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _bare(pane: spec.Pane) -> spec.Pane:
    return dataclasses.replace(pane, size=None, focus=False)


def pane_text(pane: spec.Pane, digests: Mapping[str, str], beside: Mapping[str, str] | None = None) -> str:
    plain = {"pane": codec.dump(_bare(pane)), "secrets": dict(digests)}
    return text({**plain, "beside": dict(beside)} if beside else plain)


def as_made(want: spec.Pane, before: PaneRecord | None) -> spec.Pane:
    """With what meant something when it was made."""
    if before is None:
        return want
    return dataclasses.replace(want, **{name: getattr(before.pane, name) for name in AT_START})


@functools.lru_cache(maxsize=1024)
def parse_pane(record: str) -> PaneRecord | None:
    """None when it is not readable (another version wrote it, or a person did)."""
    try:
        found = codec.load(PaneRecord, json.loads(record))
    except (ValueError, RecursionError):
        return None
    return found if _possible(found.pane.stop) else None


def _possible(stop: spec.Stop) -> bool:
    """A pane must not become impossible to stop by what its record says."""
    known = stop.signal is None or stop.signal in signal.Signals.__members__
    words = (*stop.keys, *([stop.command] if isinstance(stop.command, str) else stop.command or ()))
    return known and all("\0" not in word for word in words)


def fingerprint(pane: spec.Pane) -> str:
    plain = codec.dump(pane)
    fields = {name: plain.get(name) for name in RESTART}
    fields["secrets"] = sorted({secret.name for secret in pane.secrets})
    return hashlib.sha256(text(fields).encode()).hexdigest()[:16]


def digest(key: str, name: str, value: str) -> str:
    """Tells whether a secret's value changed, without the value: keyed, so that it cannot be guessed from a plan file."""
    return hmac.new(
        key.encode(), f"{name}\0{value}".encode(errors="surrogateescape"), hashlib.sha256
    ).hexdigest()[:24]


def window_text(window: spec.Window, *, owed: bool = False) -> str:
    """`owed`: its layout is yet to be set, once other people's panes are out of it."""
    plain: dict[str, object] = {
        "layout": window.layout,
        "panes": [pane.name for pane in window.panes],
        "sizes": [_size(pane.size) for pane in window.panes],
        "focus": next((pane.name for pane in window.panes if pane.focus), None),
    }
    # What is rare is left out where it is not, so that records stay short.
    rare = {"title": window.title, "zoomed": window.zoomed, "options": dict(window.options), OWED: owed}
    return text({**plain, **{key: value for key, value in rare.items() if value}})


def owed(record: str) -> bool:
    return parse(record).get(OWED) is True


def session_text(session: spec.Session) -> str:
    plain: dict[str, object] = {
        "labels": dict(session.labels),
        "windows": [window.name for window in session.windows],
        "focus": next((window.name for window in session.windows if window.focus), None),
    }
    rare = {"title": session.title, "options": dict(session.options)}
    return text({**plain, **{key: value for key, value in rare.items() if value}})


@functools.lru_cache(maxsize=4096)
def parse(record: str) -> Mapping[str, object]:
    """A window's or session's record; empty when it is not readable."""
    try:
        plain = json.loads(record)
    except (ValueError, RecursionError):
        return {}
    return plain if isinstance(plain, dict) else {}


def _size(size: spec.Size | None) -> str | int | None:
    if size is None:
        return None
    return size.cells if size.cells is not None else f"{size.percent}%"
