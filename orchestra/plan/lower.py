"""A comparison as steps: atomic actions, each after those it rests on.

What a step must wait for stands in this module and the three beside it (`draft`, `removal`, `starts`) and nowhere else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from orchestra.model import action, diagnostic, errors, names, plan, spec, status
from orchestra.plan import deltas, layout, record, removal, starts
from orchestra.plan.draft import Draft, Size, set_options


def lower(comparison: deltas.Comparison, new_uid: Callable[[], str], size: Size) -> tuple[plan.Step, ...]:
    """`size` (columns, rows) is for sessions to be made. `Conflict` when panes do not fit a window."""
    drafted = Draft(comparison.workspace, new_uid, size)
    if not comparison.sessions:
        _rules(drafted, comparison)
    rules_first = len(drafted.steps) == 1
    removal.stops(drafted, comparison)
    _free_names(drafted, comparison)
    emptied = removal.holds(drafted, comparison)
    for number, session in enumerate(comparison.sessions):
        _session(drafted, session, emptied)
        if not number:
            _rules(drafted, comparison)
    for window in comparison.windows:
        _panes_in_place(drafted, window)
    removal.deletes(drafted, comparison, emptied)
    removal.forgets(drafted, comparison)
    for session in comparison.sessions:
        _settle(drafted, session)
    starts.starts(drafted, comparison)
    if rules_first:
        # Nothing that is stopped is to set anything off, and the server may end with what is deleted.
        for step in drafted.steps[1:]:
            drafted.wait(step.id, [0])
    if drafted.problems:
        conflict = errors.Conflict(drafted.problems[0].summary)
        conflict.diagnostics = tuple(drafted.problems)
        raise conflict
    return tuple(drafted.steps)


def _rules(drafted: Draft, comparison: deltas.Comparison) -> None:
    """Once there is a server, and before all that may set something off."""
    if comparison.rules is None:
        return
    kinds = (action.Kind.TRIGGER, action.Kind.SCHEDULE, action.Kind.GC)
    changed = [each for each in comparison.changes if each.kind in kinds and each.verb is not plan.Verb.NONE]
    first = [f"session {each.address}" for each in comparison.sessions[:1]]
    what = action.WriteRules(workspace=comparison.workspace, text=comparison.rules)
    drafted.add(what, changed[0].address, drafted.after(*first))


def _free_names(drafted: Draft, comparison: deltas.Comparison) -> None:
    """Sessions of ours that have a name which another one needs step aside first, or that one would find it taken."""
    names_now = comparison.seen.names
    for session in comparison.sessions:
        holder = comparison.seen.named(session.want.shown)
        if holder is None or holder.mark is None or holder is session.have or session.adopt:
            continue
        # One that is declared no more can have its own name back, unless somebody has taken it.
        own = holder.mark.address
        free = own not in names_now and all(own != each.address for each in comparison.sessions)
        name = own if free else f"orchestra-{holder.mark.uid}"
        step = drafted.add(
            action.Rename(kind=action.Kind.SESSION, address=own, expect=holder.mark, name=name), own
        )
        drafted.asides[session.address] = drafted.made[f"session {own}"] = step


def _session(drafted: Draft, delta: deltas.Session, emptied: removal.Emptied) -> None:
    key = f"session {delta.address}"
    aside = [drafted.asides[delta.address]] if delta.address in drafted.asides else []
    previous: list[int] = []
    if delta.have is None:
        previous = [_new_session(drafted, delta, emptied, aside)]
    elif delta.mark:
        what = action.Write(
            kind=action.Kind.SESSION,
            address=delta.address,
            expect=None,
            mark=drafted.mark(delta.address),
            record=delta.record,
            id=delta.have.id,
        )
        drafted.made[key] = drafted.add(what, delta.address)
    if delta.rename and delta.have is not None and delta.have.mark is not None:
        drafted.made[key] = drafted.add(
            action.Rename(
                kind=action.Kind.SESSION, address=delta.address, expect=delta.have.mark, name=delta.want.shown
            ),
            delta.address,
            [*aside, *drafted.after(key)],
        )
    for each in delta.windows:
        # What is made comes last: in this order the windows stand as they are wanted.
        previous = _window(drafted, delta, each, previous) or previous


def _new_session(drafted: Draft, delta: deltas.Session, emptied: removal.Emptied, aside: list[int]) -> int:
    first = delta.first
    window = removal.hold_window(drafted, delta.address) if first is None else _new_window(drafted, first)
    width, height = _size(drafted, delta.want)
    step = drafted.add(
        action.CreateSession(
            address=delta.address,
            mark=drafted.mark(delta.address),
            record=delta.record,
            width=width,
            height=height,
            window=window,
            title=delta.want.title or "",
        ),
        delta.address,
        [*aside, *drafted.before(window.seed)],
    )
    drafted.made[f"session {delta.address}"] = step
    if first is not None:
        _is_there(drafted, window, step)
    else:
        emptied.holds.append(removal.holding(delta, window, step))
    return step


def _new_window(drafted: Draft, delta: deltas.Window) -> action.CreateWindow:
    want = delta.new_panes[0].want
    assert want is not None
    return action.CreateWindow(
        address=delta.address,
        mark=drafted.mark(delta.address),
        record=delta.record,
        seed=drafted.seed(want),
        title=delta.want.title or "",
    )


def _is_there(drafted: Draft, window: action.CreateWindow, step: int) -> None:
    address = window.seed.pane.address
    drafted.made[f"window {window.address}"] = drafted.made[f"pane {address}"] = step
    if window.seed.start:
        drafted.started[address] = step


def _window(drafted: Draft, session: deltas.Session, delta: deltas.Window, previous: list[int]) -> list[int]:
    """The step that put it last in its session; none when it stands there."""
    key = f"window {delta.address}"
    ready = drafted.after(f"session {session.address}")
    if key in drafted.made:
        return [drafted.made[key]]
    if delta.have is None:
        if delta.new_panes:
            create = _new_window(drafted, delta)
            step = drafted.add(create, delta.address, [*ready, *drafted.before(create.seed)], previous)
            _is_there(drafted, create, step)
        else:
            _window_around(drafted, delta, ready, previous)
        return [drafted.made[key]]
    mark = delta.have.mark
    moved: list[int] = []
    if delta.move and mark is not None:
        what = action.MoveWindow(
            address=delta.address, expect=mark, session=session.address, id=delta.have.id
        )
        held = drafted.held.get(delta.have.id, ())
        drafted.made[key] = drafted.add(what, delta.address, [*ready, *held], previous)
        moved = [drafted.made[key]]
    if delta.mark:
        # Of one that is renamed the record stays as it is until what it says is done.
        what_mark = action.Write(
            kind=action.Kind.WINDOW,
            address=delta.address,
            expect=mark,
            mark=drafted.mark(delta.address),
            record=delta.record if mark is None else delta.have.record,
            id=delta.have.id,
        )
        drafted.made[key] = drafted.add(what_mark, delta.address, drafted.after(key))
        mark = drafted.marks[delta.address] = what_mark.mark
    if delta.rename and mark is not None:
        drafted.made[key] = drafted.add(
            action.Rename(
                kind=action.Kind.WINDOW,
                address=delta.address,
                expect=mark,
                name=delta.want.shown,
                id=delta.have.id,
            ),
            delta.address,
            drafted.after(key),
        )
    return moved


def _window_around(drafted: Draft, delta: deltas.Window, ready: list[int], previous: list[int]) -> None:
    """Made around the first of its panes, which all are there already."""
    first = delta.panes[0]
    assert first.have is not None
    assert first.have.pane.mark is not None
    made = action.WindowMark(
        mark=drafted.mark(delta.address), record=delta.record, title=delta.want.title or ""
    )
    step = drafted.add(
        action.MovePane(
            address=first.change.address,
            expect=first.have.pane.mark,
            window=delta.address,
            create=made,
        ),
        first.change.address,
        [*ready, *drafted.held.get(first.have.window.id, ())],
        previous,
    )
    drafted.left.setdefault(first.have.window.id, []).append(step)
    drafted.made[f"window {delta.address}"] = drafted.made[f"pane {first.change.address}"] = step


def _panes_in_place(drafted: Draft, window: deltas.Window) -> None:
    ready = drafted.after(f"window {window.address}")
    previous: list[int] = []
    for delta in window.panes:
        key = f"pane {delta.change.address}"
        if key in drafted.made or delta.want is None:
            continue
        if delta.have is None:
            seed = drafted.seed(delta.want)
            step = drafted.add(
                action.CreatePane(
                    address=delta.change.address,
                    window=window.address,
                    seed=seed,
                    spread=not window.tight,
                ),
                delta.change.address,
                [*ready, *drafted.before(seed)],
                previous,
            )
            if seed.start:
                drafted.started[delta.change.address] = step
        elif delta.move and delta.have.pane.mark is not None:
            step = drafted.add(
                action.MovePane(
                    address=delta.change.address, expect=delta.have.pane.mark, window=window.address
                ),
                delta.change.address,
                [*ready, *drafted.held.get(delta.have.window.id, ())],
            )
            drafted.left.setdefault(delta.have.window.id, []).append(step)
        elif delta.adopt:
            step = _adopt(drafted, delta, delta.want, delta.have)
        else:
            continue
        drafted.made[key] = step
        # In a new window each comes behind the one before; elsewhere they are put in order afterwards.
        previous = [] if window.order else [step]


def _adopt(drafted: Draft, delta: deltas.Pane, want: spec.Pane, have: status.Place) -> int:
    """As if what runs in it were what is declared."""
    mark = dataclasses.replace(drafted.mark(want.address), fingerprint=record.fingerprint(want))
    return drafted.add(
        action.Write(
            kind=action.Kind.PANE,
            address=want.address,
            expect=None,
            mark=mark,
            record=record.pane_text(want, delta.digests, delta.beside),
            title=want.title,
            id=have.pane.id,
        ),
        want.address,
    )


def _settle(drafted: Draft, session: deltas.Session) -> None:
    """Order, layout and focus, once everything is in its place; then the record that says so."""
    ready = drafted.after(
        f"session {session.address}", *(f"window {each.address}" for each in session.windows)
    )
    done: list[int] = []
    if session.order:
        order = action.OrderWindows(
            session=session.address, windows=tuple(each.address for each in session.windows)
        )
        done.append(drafted.add(order, session.address, ready))
    for window in session.windows:
        _settle_window(drafted, session, window)
    first = next((each for each in session.want.windows if each.focus), session.want.windows[0])
    address = names.window(session.address, first.name)
    if (
        session.focus
        and len(session.windows) > 1
        and any(each.address == address for each in session.windows)
    ):
        done.append(
            drafted.add(action.Focus(kind=action.Kind.WINDOW, address=address), session.address, ready)
        )
    if session.options:
        before = record.parse(session.have.record).get("options") if session.have is not None else None
        old = before if isinstance(before, dict) else {}
        what_options = set_options(action.Kind.SESSION, session.address, old, session.want.options)
        done.append(drafted.add(what_options, session.address, ready))
    if session.write and session.have is not None and session.have.mark is not None:
        what = action.Write(
            kind=action.Kind.SESSION,
            address=session.address,
            expect=session.have.mark,
            mark=session.have.mark,
            record=session.record,
            id=session.have.id,
        )
        drafted.add(what, session.address, [*ready, *done])


def _settle_window(drafted: Draft, session: deltas.Session, window: deltas.Window) -> None:
    ready = drafted.after(
        f"window {window.address}", *(f"pane {pane.change.address}" for pane in window.panes)
    )
    left = drafted.left.get(window.have.id, []) if window.have is not None else []
    done: list[int] = []
    if window.order:
        panes = tuple(pane.address for pane in window.want.panes)
        done.append(drafted.add(action.OrderPanes(window=window.address, panes=panes), window.address, ready))
    if window.arrange:
        arrange = action.ArrangeWindow(window=window.address, layout=_layout(drafted, session, window))
        done.append(drafted.add(arrange, window.address, [*ready, *done, *left]))
    chosen = next((pane for pane in window.want.panes if pane.focus), window.want.panes[0])
    present = any(pane.change.address == chosen.address for pane in window.panes)
    if window.focus and len(window.panes) > 1 and present:
        done.append(
            drafted.add(action.Focus(kind=action.Kind.PANE, address=chosen.address), window.address, ready)
        )
    if window.options:
        before = record.parse(window.have.record).get("options") if window.have is not None else None
        old = before if isinstance(before, dict) else {}
        done.append(
            drafted.add(
                set_options(action.Kind.WINDOW, window.address, old, window.want.options),
                window.address,
                ready,
            )
        )
    if window.zoom:
        zoom = action.Zoom(window=window.address, zoomed=window.want.zoomed)
        done.append(drafted.add(zoom, window.address, [*ready, *done, *left]))
    drafted.settled[window.address] = done
    if window.write and window.have is not None:
        mark = drafted.marks.get(window.address, window.have.mark)
        assert mark is not None
        what = action.Write(
            kind=action.Kind.WINDOW,
            address=window.address,
            expect=mark,
            mark=mark,
            record=window.record,
            id=window.have.id,
        )
        drafted.add(what, window.address, [*ready, *done, *left])


def _size(drafted: Draft, session: spec.Session) -> Size:
    """An exact layout is right in a window of its size."""
    first = session.windows[0].layout
    if first is None or first in layout.NAMES:
        return drafted.size
    cell = layout.parse(first)
    return cell.width, cell.height


def _layout(drafted: Draft, session: deltas.Session, window: deltas.Window) -> str:
    """For its size, or the one that new windows of its session get."""
    beside = session.have.windows[0] if session.have is not None else None
    like = window.have or beside
    width, height = (like.width, like.height) if like is not None else _size(drafted, session.want)
    try:
        return layout.arrange(window.want.layout, [pane.size for pane in window.want.panes], width, height)
    except layout.TooSmall:
        drafted.problems.append(
            diagnostic.Diagnostic(
                severity=diagnostic.Severity.ERROR,
                summary=f"window {window.address}: {len(window.want.panes)} panes do not fit into {width}x{height}",
                hint="make the terminal larger, or spread the panes over several windows",
            )
        )
        return ""
