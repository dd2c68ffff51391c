"""What an import has to tell: everything that is not carried over, each with its place and the reason."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra.discover import limits
from orchestra.discover.tree import Map, Scalar
from orchestra.model.diagnostic import Diagnostic, Location, Severity

LONGEST_SHOWN = 60
CARRIED = ""
"""Of a key: it is carried over, or its own reader tells what is not."""
Known = Mapping[str, str]
"""Key -> CARRIED, or why it is left out."""

LOGS = "orchestra keeps what panes print itself"
OPTIONS = "tmux's options are not part of a manifest; they belong into tmux.conf"
HOOK = "commands outside the panes are not part of a manifest; run it around `orchestra apply` and `delete`"
CONTAINER = "panes run on this machine, not in a container"
SERVER = "which tmux is chosen when a manifest is applied: orchestra -L NAME or -S PATH"


class Notes:
    def __init__(self) -> None:
        self._told: list[Diagnostic] = []
        self._seen: set[tuple[Location | None, str]] = set()
        self._untold = 0

    def warn(self, at: Location | None, summary: str, *, hint: str | None = None) -> None:
        if (at, summary) in self._seen:
            return
        if len(self._told) >= limits.WARNINGS:
            self._untold += 1
            return
        self._seen.add((at, summary))
        self._told.append(Diagnostic(severity=Severity.WARNING, summary=summary, location=at, hint=hint))

    def left_out(self, what: str, at: Location | None, reason: str, *, hint: str | None = None) -> None:
        self.warn(at, f"{quoted(what)} is left out: {reason}", hint=hint)

    def keys(
        self, node: Map, known: Known, where: str, *, idle: Mapping[str, frozenset[str]] | None = None
    ) -> None:
        """Tells of every key that is not carried over; `idle`: values of such a key that mean what is so anyway."""
        for key, entry in node.entries.items():
            reason = known.get(key)
            if reason is None:
                self.left_out(key, entry.at, f"{where} has no key of this name that orchestra knows")
            elif reason and not (
                idle and key in idle and isinstance(entry.node, Scalar) and entry.node.text in idle[key]
            ):
                self.left_out(key, entry.at, reason)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """In the order of the source."""
        told = sorted(self._told, key=_place)
        if self._untold:
            more = f"{self._untold} more warnings are not shown"
            told.append(Diagnostic(severity=Severity.WARNING, summary=more))
        return tuple(told)


def quoted(value: str) -> str:
    """As one short printable word; a reference to a variable is shown as one."""
    text = value[: LONGEST_SHOWN * 2].replace("\ufdd0", "${").replace("\ufdd1", "}")[: LONGEST_SHOWN + 1]
    if len(text) > LONGEST_SHOWN:
        text = text[: LONGEST_SHOWN - 1] + "…"
    return "`" + "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text) + "`"


def _place(found: Diagnostic) -> tuple[bool, int, int]:
    at = found.location
    return (False, 0, 0) if at is None else (True, at.line, at.column)
