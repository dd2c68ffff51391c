"""Which snapshots bring back what was there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from orchestra.daemon import snapshots
from orchestra.daemon.react import autosave
from orchestra.snapshot import take
from orchestra.store.inventory import Kept

if TYPE_CHECKING:
    from orchestra.daemon import assemble


def latest(assembly: assemble.Assembly, only: Sequence[str] = ()) -> Mapping[str, Kept]:
    """By workspace. The newest whole snapshot of everything; of workspaces whose manifests want snapshots of their own, the newest of
    those where that is newer. `only` these: the newest of each."""
    shelf, epoch = snapshots.keeper(assembly), assembly.tmux.observe().epoch
    if only:
        found = {name: shelf.latest(epoch=epoch, workspace=name) for name in only}
        return {name: each for name, each in found.items() if each is not None}
    whole = shelf.latest(epoch=epoch)
    chosen = dict.fromkeys(whole.workspaces, whole) if whole is not None else {}
    for wish in autosave.wishes(assembly.expected()):
        name = take.workspace_name(wish.scope)
        own = shelf.latest(epoch=epoch, workspace=name) if wish.scope else None
        if own is not None and (whole is None or own.time > whole.time):
            chosen[name] = own
    return chosen
