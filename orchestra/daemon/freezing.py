"""What is live, merged into a manifest's text."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra.daemon import snapshots
from orchestra.manifest import dump, weave
from orchestra.manifest import load as manifest
from orchestra.model import diagnostic, errors, spec
from orchestra.model.frozen import frozen
from orchestra.snapshot import difference, document, take

if TYPE_CHECKING:
    from orchestra.daemon import assemble
    from orchestra.manifest import load


@frozen
class Frozen:
    text: str
    added: Sequence[str]
    notes: Sequence[diagnostic.Diagnostic]
    """What was left out, and what does not agree."""


def freeze(
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
    workspace = _without_snapshots_files(take.declared(taken.workspace), loaded)
    if loaded is None:
        made = dump.text(document.document(workspace, seen.home))
        added = [f"session {each.name}" for each in taken.workspace.sessions]
        return Frozen(text=made, added=added, notes=notes)
    live = workspace if taken.owned else difference.paired(workspace, loaded.workspace)
    woven = _woven(text, loaded, inputs, live, seen.home)
    return Frozen(text=woven.text, added=woven.added, notes=[*notes, *woven.conflicts])


def _without_snapshots_files(live: spec.Workspace, loaded: load.Loaded | None) -> spec.Workspace:
    """Only those that the manifest itself names: others are of the snapshot that it came back from, which will not be kept for ever."""
    declared = {pane.address: pane for pane in loaded.workspace.panes} if loaded is not None else {}

    def pane(each: spec.Pane) -> spec.Pane:
        own = declared.get(each.address)
        return dataclasses.replace(
            each,
            scrollback_file=own.scrollback_file if own is not None else None,
            history_file=own.history_file if own is not None else None,
        )

    return take.with_panes(live, pane)


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
