"""The plan of a workspace: compare, then lower. The one way to compute what would happen; `diff` and `apply` both come here."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping

from orchestra.model import action, plan, spec, status
from orchestra.plan import compare, draft, lower, record


def build(
    desired: spec.Workspace,
    observed: status.Server,
    digests: Mapping[spec.Secret, str],
    options: compare.Options,
    *,
    new_uid: Callable[[], str],
    size: draft.Size,
) -> plan.Plan:
    """`Conflict` with everything in the way. `new_uid` gives a fresh random word each time; `size` is for new sessions."""
    comparison = compare.compare(desired, observed, digests, options)
    drafted = plan.Plan(
        workspace=desired.name,
        file=desired.file,
        world=world(desired.name, comparison.changes, observed),
        changes=tuple(comparison.changes),
        steps=(),
        notes=tuple(comparison.notes),
    )
    if drafted.empty and not any(window.arrange for each in comparison.sessions for window in each.windows):
        return drafted
    return dataclasses.replace(drafted, steps=lower.lower(comparison, new_uid, size))


def nothing(name: str) -> spec.Workspace:
    """What a workspace shall be when it is deleted."""
    return spec.Workspace(name=name, file="", sessions=())


def world(workspace: str, changes: Iterable[plan.Change], observed: status.Server) -> str:
    """Fingerprint of all that a plan for this workspace rests on: the server's life, what is ours, and who has our sessions' names."""
    rows: list[object] = [observed.epoch, workspace, observed.rules.get(workspace, "")]
    wanted = {change.address for change in changes if change.kind is action.Kind.SESSION}
    for session in observed.sessions:
        if session.name in wanted or _ours(session.mark, workspace):
            rows.append((session.id, session.name, str(session.mark), session.record))
        for window in session.windows:
            if _ours(window.mark, workspace):
                rows.append(
                    (session.id, window.id, window.index, window.name, str(window.mark), window.record)
                )
            rows += [
                (
                    window.id,
                    pane.id,
                    pane.index,
                    pane.pid,
                    pane.dead,
                    pane.exit_code,
                    str(pane.mark),
                    pane.record,
                )
                for pane in window.panes
                if _ours(pane.mark, workspace)
            ]
    return hashlib.sha256(record.text(rows).encode()).hexdigest()[:32]


def _ours(mark: status.Mark | None, workspace: str) -> bool:
    return mark is not None and mark.workspace == workspace
