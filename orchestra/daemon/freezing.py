"""What is live, merged into a manifest's text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra.daemon import snapshots
from orchestra.manifest import dump, weave
from orchestra.manifest import load as manifest
from orchestra.model import diagnostic, errors, spec
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


def frozen(
    assembly: assemble.Assembly, what: str, text: str, loaded: load.Loaded | None, inputs: load.Inputs
) -> Frozen:
    """`loaded` is what `text` was loaded as, with these inputs; None: there is no manifest yet."""
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
        made = dump.text(document.document(take.declared(taken.workspace), seen.home))
        added = [f"session {each.name}" for each in taken.workspace.sessions]
        return Frozen(text=made, added=added, notes=notes)
    live = take.declared(taken.workspace)
    if not taken.owned:
        live = difference.paired(live, loaded.workspace)
    woven = _woven(text, loaded, inputs, live, seen.home)
    return Frozen(text=woven.text, added=woven.added, notes=[*notes, *woven.conflicts])


def _woven(
    text: str, loaded: load.Loaded, inputs: load.Inputs, live: spec.Workspace, home: str
) -> weave.Woven:
    """Without the directories of new panes, where the manifest gives them the same."""
    found = difference.difference(live, loaded.workspace, home)
    short = weave.woven(text, loaded, difference.without_dirs(found, loaded.workspace))
    try:
        again = manifest.load(Path(loaded.source.file), inputs, short.text).workspace
    except errors.OrchestraError:
        return weave.woven(text, loaded, found)
    dirs = {pane.address: pane.dir for pane in again.panes}
    same = all(dirs.get(pane.address, pane.dir) == pane.dir for pane in live.panes)
    return short if same else weave.woven(text, loaded, found)
