"""Names that a manifest allows, from names that people gave to directories and programs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from orchestra.discover.project import found
from orchestra.model import names


def workspace(directory: str) -> str:
    name = re.sub(r"[^a-z0-9_-]+", "-", _latin(directory).lower()).strip("-_")[:63]
    return name if names.WORKSPACE.match(name) else "project"


def session(dir: str, taken: set[str]) -> str:
    """The directory's own name; where another has it, with those around it."""
    parts = [part for part in (_plain(each) for each in dir.split("/")) if part]
    for length in range(1, len(parts) + 1):
        name = "-".join(parts[-length:])[:64]
        if name not in taken:
            taken.add(name)
            return name
    return free("-".join(parts)[:58] or "package", taken)


def free(name: str, taken: set[str]) -> str:
    chosen, number = name, 2
    while chosen in taken:
        chosen, number = f"{name}-{number}", number + 1
    taken.add(chosen)
    return chosen


def unique(sessions: Iterable[found.Session]) -> list[found.Session]:
    """Panes with names that a manifest allows, each once in its session; what needs another by name goes with it."""
    return [_unique(each) for each in sessions]


def _unique(session: found.Session) -> found.Session:
    taken = {"shell"}
    called: dict[str, str] = {}
    panes = []
    for pane in session.panes:
        name = free(_plain(pane.name)[:58] or "pane", taken)
        called.setdefault(pane.name, name)
        panes.append(replace(pane, name=name))
    return replace(
        session,
        panes=tuple(
            replace(pane, needs=tuple(called[each] for each in pane.needs if each in called))
            for pane in panes
        ),
    )


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", _latin(text)).strip("-")


def _latin(text: str) -> str:
    """Letters without their accents."""
    split = unicodedata.normalize("NFKD", text)
    return "".join(each for each in split if not unicodedata.combining(each))
