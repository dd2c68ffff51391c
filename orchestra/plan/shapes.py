"""Why a session or a window that is there is not as it is wanted: its name, its place, its order, its layout. What is to be done about it
is noted in its delta."""

from __future__ import annotations

from collections.abc import Sequence

from orchestra.model import plan, status
from orchestra.plan import causes, deltas, record, seen


def session(delta: deltas.Session, have: status.Session, *, whole: bool) -> list[plan.Cause]:
    why: list[plan.Cause] = []
    if not seen.is_called(have.name, delta.want.shown):
        delta.rename = True
        drift = record.parse(have.record).get("title") == delta.want.title
        reason = "renamed by somebody" if drift else "title changed"
        why.append(plan.Cause(reason=reason, before=have.name, after=delta.want.shown, drift=drift))
    if whole and have.record != delta.record:
        delta.write = True
        changed = causes.changed_keys(have.record, delta.record)
        delta.focus, delta.options = "focus" in changed, "options" in changed
        why += [
            each
            for each in causes.keys(have.record, delta.record)
            if not (delta.rename and each.reason == "title changed")
        ]
    place = {window.id: number for number, window in enumerate(sorted(have.windows, key=lambda w: w.index))}
    standing = [
        place[each.have.id] for each in delta.windows if each.have is not None and each.have.id in place
    ]
    if standing != sorted(standing):
        delta.order = True
        if not (delta.adopt or any(cause.reason == "windows changed" for cause in why)):
            why.append(plan.Cause(reason="windows put into another order by somebody", drift=True))
    else:
        arriving = [each.arrives for each in delta.windows]
        delta.order = any(arriving[: _last_settled(arriving)])
    return why


def _last_settled(arriving: Sequence[bool]) -> int:
    """What arrives comes last by itself; before this place it has to be put there."""
    return max((number for number, arrives in enumerate(arriving) if not arrives), default=0)


def window(
    delta: deltas.Window,
    have: status.Window,
    others: Sequence[status.Pane],
    *,
    whole: bool,
    at_home: bool,
) -> list[plan.Cause]:
    """Of a window only partly meant its name and its place are put right, and nothing else."""
    why: list[plan.Cause] = []
    mark = have.mark
    if delta.adopt:
        delta.mark, delta.rename = True, not seen.is_called(have.name, delta.want.shown)
        before, after = (have.name, delta.want.shown) if delta.rename else (None, None)
        why.append(plan.Cause(reason="adopted", before=before, after=after))
    elif mark is not None and mark.address != delta.address:
        delta.mark = delta.rename = True
        why.append(plan.Cause(reason="name changed", before=mark.address, after=delta.address))
    elif not (seen.is_called(have.name, delta.want.shown) or delta.want.names_itself):
        delta.rename = True
        drift = record.parse(have.record).get("title") == delta.want.title
        reason = "renamed by somebody" if drift else "title changed"
        why.append(plan.Cause(reason=reason, before=have.name, after=delta.want.shown, drift=drift))
    if not at_home:
        delta.move = True
        where = delta.have_session.name if delta.have_session is not None else "?"
        why.append(
            plan.Cause(
                reason="moved by somebody",
                before=f"session {where}",
                after=f"session {delta.session}",
                drift=True,
            )
        )
    if whole:
        why += _content(delta, have, others)
    return why


def _content(delta: deltas.Window, have: status.Window, others: Sequence[status.Pane]) -> list[plan.Cause]:
    why: list[plan.Cause] = []
    changed: Sequence[str] = ()
    several = len(delta.want.panes) > 1
    owed = several and record.owed(have.record)
    if not delta.adopt:
        changed = causes.changed_keys(have.record, delta.record)
        delta.focus = "focus" in changed
        delta.zoom, delta.options = "zoomed" in changed, "options" in changed
        why += [
            each
            for each in causes.keys(have.record, delta.record)
            if not (delta.rename and each.reason == "title changed")
        ]
        if several and others and (owed or not {"layout", "sizes"}.isdisjoint(changed)):
            delta.record = record.window_text(delta.want, owed=True)
        delta.write = have.record != delta.record
    place = {pane.id: number for number, pane in enumerate(have.panes)}
    standing = [
        place[each.have.pane.id]
        for each in delta.panes
        if each.have is not None and each.have.pane.id in place
    ]
    arriving = any(each.arrives for each in delta.panes)
    if standing != sorted(standing):
        delta.order = True
        if "panes" not in changed:
            why.append(plan.Cause(reason=causes.REORDERED, drift=True))
    elif arriving:  # tmux puts it behind the active pane, wherever that is
        delta.order = several
    leaving = len(have.panes) - len(standing) - len(others)
    edited = not {"layout", "sizes", "panes"}.isdisjoint(changed)
    delta.arrange = several and bool(edited or arriving or leaving or delta.order)
    if several and not (delta.arrange or delta.adopt or others):
        reason = causes.layout(have, owed=owed)
        if reason is not None:
            delta.arrange = True
            why.append(plan.Cause(reason=reason, drift=not owed))
    return why
