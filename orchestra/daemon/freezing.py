"""What is live, merged into a manifest's text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestra.daemon import snapshots
from orchestra.manifest import dump, weave
from orchestra.model import diagnostic
from orchestra.snapshot import difference, document, take

if TYPE_CHECKING:
    from orchestra.daemon import assemble
    from orchestra.manifest import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    text: str
    added: Sequence[str]
    notes: Sequence[diagnostic.Diagnostic]
    """What was left out, and what does not agree."""


def frozen(assembly: assemble.Assembly, what: str, text: str, loaded: load.Loaded | None) -> Frozen:
    """`loaded` is what `text` was loaded as; None: there is no manifest yet."""
    seen = snapshots.seen(assembly)
    found = take.taken(seen, what)
    if not found:
        raise snapshots.nothing(what, seen)
    (taken, *_) = found
    notes = [
        diagnostic.Diagnostic(severity=diagnostic.Severity.WARNING, summary=f"left out: {each}")
        for each in taken.left_out
    ]
    if loaded is None:
        made = dump.text(document.document(taken.workspace, seen.home))
        added = [f"session {each.name}" for each in taken.workspace.sessions]
        return Frozen(text=made, added=added, notes=notes)
    live = taken.workspace
    if not taken.owned:
        live = difference.paired(live, loaded.workspace)
    woven = weave.woven(text, loaded, difference.difference(live, loaded.workspace, seen.home))
    return Frozen(text=woven.text, added=woven.added, notes=[*notes, *woven.conflicts])
