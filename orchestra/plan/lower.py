"""A comparison as steps: atomic actions, each after those it rests on. What a step must wait for stands here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from orchestra.model import action, errors, names, plan, spec, status
from orchestra.plan import compare, layout, record

Size = tuple[int, int]


@dataclass(slots=True)
class _Draft:
    workspace: str
    new_uid: Callable[[], str]
    size: Size
    steps: list[plan.Step] = field(default_factory=list)
    freed: list[int] = field(default_factory=list)
    """After these what is declared no more has ended, and its ports and locks are free."""
    made: dict[str, int] = field(default_factory=dict)
    """"session NAME", "window ADDRESS", "pane ADDRESS" -> the step after which it is in its place."""
    started: dict[str, int] = field(default_factory=dict)

    def add(
        self, what: action.Action, change: str, after: Iterable[int] = (), optional_after: Iterable[int] = ()
    ) -> int:
        step = plan.Step(
            id=len(self.steps),
            action=what,
            after=tuple(sorted(set(after))),
            optional_after=tuple(sorted(set(optional_after) - set(after))),
            change=change,
        )
        self.steps.append(step)
        return step.id

    def after(self, *keys: str) -> list[int]:
        return [self.made[key] for key in keys if key in self.made]

    def mark(self, address: str) -> status.Mark:
        return status.Mark(workspace=self.workspace, address=address, uid=self.new_uid())


def lower(comparison: compare.Comparison, new_uid: Callable[[], str], size: Size) -> tuple[plan.Step, ...]:
    """`size` (columns, rows) is for sessions to be made. `Conflict` when panes do not fit a window."""
    draft = _Draft(comparison.workspace, new_uid, size)
    _deletes(draft, comparison)
    _free_names(draft, comparison)
    for session in comparison.sessions:
        _session(draft, session)
    for session in comparison.sessions:
        for window in session.windows:
            _panes_in_place(draft, window)
    for kind, address, mark in comparison.forgotten:
        draft.add(action.Forget(kind=kind, address=address, expect=mark), address, range(len(draft.steps)))
    for session in comparison.sessions:
        _settle(draft, session)
    _starts(draft, comparison)
    return tuple(draft.steps)


def _deletes(draft: _Draft, comparison: compare.Comparison) -> None:
    """Backwards through the graph: what needs another pane ends before it."""
    leaving = {delta.change.address: delta for delta in comparison.deleted}
    stopped: dict[str, int] = {}
    for address in _dependants_first(leaving):
        delta = leaving[address]
        assert delta.have is not None
        assert delta.have.pane.mark is not None
        pane, mark = delta.have.pane, delta.have.pane.mark
        dependants = [
            stopped[other]
            for other, each in leaving.items()
            if other in stopped and address in {edge.pane for edge in _depends_on(each)}
        ]
        known = delta.record.pane if delta.record is not None else None
        stopped[address] = draft.add(
            action.StopPane(
                address=address,
                expect=mark,
                pid=pane.pid,
                stop=known.stop if known is not None else spec.Stop(),
                shell=known is not None and known.command is None,
            ),
            address,
            optional_after=dependants,
        )
        draft.made[f"gone {address}"] = draft.add(
            action.DeletePane(address=address, expect=mark), address, [stopped[address]]
        )
    if stopped and any(delta.start for delta in comparison.panes):
        draft.freed.append(draft.add(action.Join(), "", optional_after=stopped.values()))


def _depends_on(delta: compare.PaneDelta) -> tuple[spec.Dependency, ...]:
    return delta.record.pane.depends_on if delta.record is not None else ()


def _dependants_first(leaving: Mapping[str, compare.PaneDelta]) -> list[str]:
    """Depth first; a cycle cannot be (the plan that made them refused it), and if a record lies it only costs the order."""
    order: list[str] = []
    seen: set[str] = set()
    for root in leaving:
        stack = [(root, iter(_depends_on(leaving[root])))]
        while stack:
            address, edges = stack[-1]
            seen.add(address)
            step = next((edge.pane for edge in edges if edge.pane in leaving and edge.pane not in seen), None)
            if step is not None:
                stack.append((step, iter(_depends_on(leaving[step]))))
            else:
                stack.pop()
                if address not in order:
                    order.append(address)
    return order[::-1]


def _free_names(draft: _Draft, comparison: compare.Comparison) -> None:
    """Sessions a person renamed among each other: all step aside first, or each would find its name taken."""
    renamed = [each for each in comparison.sessions if each.rename and each.have is not None]
    taken = {each.have.name for each in renamed if each.have is not None}
    new = {each.address for each in comparison.sessions}
    for each in renamed:
        assert each.have is not None
        assert each.have.mark is not None
        if each.have.name in new and each.have.name in taken:
            mark = each.have.mark
            step = draft.add(
                action.Rename(
                    kind=action.Kind.SESSION, address=each.address, expect=mark, name=f"orchestra-{mark.uid}"
                ),
                each.address,
            )
            draft.made[f"aside {each.address}"] = step


def _session(draft: _Draft, delta: compare.SessionDelta) -> None:
    assert delta.want is not None
    key, text = f"session {delta.address}", record.session_text(delta.want)
    asides = [step for name, step in draft.made.items() if name.startswith("aside ")]
    hold = False
    if delta.have is None:
        first = next((each for each in delta.windows if each.have is None and _new_panes(each)), None)
        hold = first is None
        window = (
            _hold(draft, delta.address) if first is None else _new_window(draft, first, _new_panes(first)[0])
        )
        step = draft.add(
            action.CreateSession(
                address=delta.address,
                mark=draft.mark(delta.address),
                record=text,
                width=draft.size[0],
                height=draft.size[1],
                window=window,
            ),
            delta.address,
            [*asides, *_gates_freed(draft, window.seed)],
        )
        draft.made[key] = step
        draft.made[f"window {window.address}"] = draft.made[f"pane {window.seed.pane.address}"] = step
        if window.seed.start:
            draft.started[window.seed.pane.address] = step
    elif delta.adopt or delta.write:
        mark = delta.have.mark
        draft.made[key] = draft.add(
            action.Write(
                kind=action.Kind.SESSION,
                address=delta.address,
                expect=mark,
                mark=mark or draft.mark(delta.address),
                record=text,
                id=delta.have.id,
            ),
            delta.address,
        )
    if delta.rename and delta.have is not None and delta.have.mark is not None:
        draft.made[key] = draft.add(
            action.Rename(
                kind=action.Kind.SESSION, address=delta.address, expect=delta.have.mark, name=delta.address
            ),
            delta.address,
            [*asides, *draft.after(key)],
        )
    for each in delta.windows:
        _window(draft, delta, each)
    if hold:
        arrived = [step for each in delta.windows for step in draft.after(f"window {each.address}")]
        address = f"{delta.address}/{HOLD}"
        mark = next(
            step.action.window.seed.mark
            for step in draft.steps
            if isinstance(step.action, action.CreateSession) and step.action.address == delta.address
        )
        draft.add(action.DeletePane(address=address, expect=mark), delta.address, arrived)


HOLD = ".hold"
"""The pane that keeps a new session alive until its windows have moved in; no declared name can hold a dot."""


def _hold(draft: _Draft, session: str) -> action.CreateWindow:
    address = f"{session}/{HOLD}"
    pane = spec.Pane(address=address, dir="/")
    seed = action.Seed(pane=pane, mark=_waiting(draft.mark(address)), start=False)
    return action.CreateWindow(address=address, mark=draft.mark(address), record="", seed=seed)


def _waiting(mark: status.Mark) -> status.Mark:
    return status.Mark(
        workspace=mark.workspace, address=mark.address, uid=mark.uid, stage=status.Stage.WAITING
    )


def _new_panes(window: compare.WindowDelta) -> list[compare.PaneDelta]:
    return [pane for pane in window.panes if pane.have is None]


def _new_window(draft: _Draft, delta: compare.WindowDelta, first: compare.PaneDelta) -> action.CreateWindow:
    assert delta.want is not None
    return action.CreateWindow(
        address=delta.address,
        mark=draft.mark(delta.address),
        record=record.window_text(delta.want),
        seed=_seed(draft, first),
    )


def _seed(draft: _Draft, delta: compare.PaneDelta) -> action.Seed:
    want = delta.want
    assert want is not None
    mark = draft.mark(want.address)
    if want.depends_on:
        notice = "waits for " + ", ".join(f"{edge.pane} ({edge.condition})" for edge in want.depends_on)
        return action.Seed(pane=want, mark=_waiting(mark), start=False, notice=notice)
    return action.Seed(pane=want, mark=_begun(mark, want))


def _begun(mark: status.Mark, want: spec.Pane) -> status.Mark:
    """The mark of a pane whose process has just been started."""
    return status.Mark(
        workspace=mark.workspace,
        address=mark.address,
        uid=mark.uid,
        fingerprint=record.fingerprint(want),
        stage=status.Stage.TYPING if want.send_keys else status.Stage.DONE,
    )


def _gates_freed(draft: _Draft, seed: action.Seed) -> list[int]:
    return draft.freed if seed.start else []


def _window(draft: _Draft, session: compare.SessionDelta, delta: compare.WindowDelta) -> None:
    assert delta.want is not None
    key = f"window {delta.address}"
    ready = draft.after(f"session {session.address}")
    if delta.have is None:
        if key in draft.made:
            return
        if new := _new_panes(delta):
            create = _new_window(draft, delta, new[0])
            step = draft.add(create, delta.address, [*ready, *_gates_freed(draft, create.seed)])
            draft.made[f"pane {create.seed.pane.address}"] = step
            if create.seed.start:
                draft.started[create.seed.pane.address] = step
        else:
            first = delta.panes[0]
            assert first.have is not None
            assert first.have.pane.mark is not None
            made = action.WindowMark(mark=draft.mark(delta.address), record=record.window_text(delta.want))
            step = draft.add(
                action.MovePane(
                    address=first.change.address,
                    expect=first.have.pane.mark,
                    window=delta.address,
                    create=made,
                ),
                first.change.address,
                ready,
            )
            draft.made[f"pane {first.change.address}"] = step
        draft.made[key] = step
        return
    mark = delta.have.mark
    if delta.move and mark is not None:
        draft.made[key] = draft.add(
            action.MoveWindow(address=delta.address, expect=mark, session=session.address, id=delta.have.id),
            delta.address,
            ready,
        )
    if delta.rename and mark is not None:
        draft.made[key] = draft.add(
            action.Rename(
                kind=action.Kind.WINDOW,
                address=delta.address,
                expect=mark,
                name=delta.want.name,
                id=delta.have.id,
            ),
            delta.address,
            draft.after(key),
        )
    if delta.write or delta.adopt:
        renamed = mark is not None and mark.address != delta.address
        new_mark = draft.mark(delta.address) if mark is None or renamed else mark
        draft.made[key] = draft.add(
            action.Write(
                kind=action.Kind.WINDOW,
                address=delta.address,
                expect=mark,
                mark=new_mark,
                record=record.window_text(delta.want),
                id=delta.have.id,
            ),
            delta.address,
            draft.after(key),
        )


def _panes_in_place(draft: _Draft, window: compare.WindowDelta) -> None:
    ready = draft.after(f"window {window.address}")
    for delta in window.panes:
        key = f"pane {delta.change.address}"
        if key in draft.made or delta.want is None:
            continue
        if delta.have is None:
            seed = _seed(draft, delta)
            draft.made[key] = draft.add(
                action.CreatePane(
                    address=delta.change.address,
                    window=window.address,
                    seed=seed,
                    spread=not window.foreign,
                ),
                delta.change.address,
                [*ready, *_gates_freed(draft, seed)],
            )
            if seed.start:
                draft.started[delta.change.address] = draft.made[key]
        elif delta.move and delta.have.pane.mark is not None:
            draft.made[key] = draft.add(
                action.MovePane(
                    address=delta.change.address, expect=delta.have.pane.mark, window=window.address
                ),
                delta.change.address,
                ready,
            )


def _settle(draft: _Draft, session: compare.SessionDelta) -> None:
    """Order, layout and focus, once everything is in its place."""
    windows_ready = [step for each in session.windows for step in draft.after(f"window {each.address}")]
    if session.order:
        draft.add(
            action.OrderWindows(
                session=session.address, windows=tuple(each.address for each in session.windows)
            ),
            session.address,
            windows_ready,
        )
    for window in session.windows:
        assert window.want is not None
        ready = draft.after(
            f"window {window.address}", *(f"pane {pane.change.address}" for pane in window.panes)
        )
        ready += [
            step for name, step in draft.made.items() if name.startswith("gone ") and _in(name[5:], session)
        ]
        addresses = tuple(pane.address for pane in window.want.panes)
        if window.order:
            ready.append(
                draft.add(action.OrderPanes(window=window.address, panes=addresses), window.address, ready)
            )
        if window.arrange:
            draft.add(
                action.ArrangeWindow(window=window.address, layout=_layout(draft, session, window)),
                window.address,
                ready,
            )
        chosen = next((pane for pane in window.want.panes if pane.focus), window.want.panes[0])
        if (
            window.focus
            and len(window.want.panes) > 1
            and any(p.change.address == chosen.address for p in window.panes)
        ):
            draft.add(action.Focus(kind=action.Kind.PANE, address=chosen.address), window.address, ready)
    if session.focus and session.want is not None and len(session.want.windows) > 1:
        first = next((each for each in session.want.windows if each.focus), session.want.windows[0])
        address = names.window(session.address, first.name)
        if any(each.address == address for each in session.windows):
            draft.add(action.Focus(kind=action.Kind.WINDOW, address=address), session.address, windows_ready)


def _in(address: str, session: compare.SessionDelta) -> bool:
    return names.session_of(address) == session.address


def _layout(draft: _Draft, session: compare.SessionDelta, window: compare.WindowDelta) -> str:
    assert window.want is not None
    width, height = (window.have.width, window.have.height) if window.have is not None else draft.size
    try:
        return layout.arrange(window.want.layout, [pane.size for pane in window.want.panes], width, height)
    except layout.TooSmall:
        raise errors.Conflict(
            f"window {window.address}: {len(window.want.panes)} panes do not fit into {width}x{height}",
            hint="make the terminal larger, or spread the panes over several windows",
        ) from None


def _starts(draft: _Draft, comparison: compare.Comparison) -> None:
    """Processes of panes that are in their place: stop what is there, wait for the gates, start, type; then the rest that is written live."""
    wanted = {delta.want.address: delta for delta in comparison.panes if delta.want is not None}
    awaits: dict[tuple[str, spec.Condition], int] = {}
    pending: list[tuple[compare.PaneDelta, status.Mark, list[int]]] = []
    for delta in wanted.values():
        want = delta.want
        assert want is not None
        address = want.address
        ready = draft.after(f"pane {address}")
        if delta.start and address not in draft.started:
            if delta.have is None:
                mark = _seed_mark(draft, address)
            else:
                assert delta.have.pane.mark is not None
                mark = delta.have.pane.mark
                known = delta.record.pane if delta.record is not None else want
                ready = [
                    *ready,
                    draft.add(
                        action.StopPane(
                            address=address,
                            expect=mark,
                            pid=delta.have.pane.pid,
                            stop=known.stop,
                            shell=known.command is None,
                        ),
                        address,
                        ready,
                    ),
                ]
            begun = _begun(mark, want)
            start = draft.add(
                action.StartPane(address=address, expect=mark, mark=begun, pane=want),
                address,
                [*ready, *draft.freed],
            )
            draft.started[address] = start
            pending.append((delta, begun, [start]))
        elif delta.start:
            pending.append((delta, _begun(_seed_mark(draft, address), want), ready))
        elif delta.have is not None:
            _live(draft, delta, ready)
            if delta.type_on and delta.have.pane.mark is not None:
                pending.append((delta, delta.have.pane.mark, draft.after(f"pane {address}")))
    for delta, mark, ready in pending:
        assert delta.want is not None
        if mark.stage is status.Stage.TYPING:
            draft.started[delta.want.address] = draft.add(
                action.TypeLines(address=delta.want.address, mark=mark, pane=delta.want),
                delta.want.address,
                ready,
            )
    _gate(draft, wanted, awaits)


def _seed_mark(draft: _Draft, address: str) -> status.Mark:
    for step in draft.steps:
        what = step.action
        window = what.window if isinstance(what, action.CreateSession) else what
        if (
            isinstance(window, action.CreateWindow | action.CreatePane)
            and window.seed.pane.address == address
        ):
            return window.seed.mark
    raise AssertionError(address)


def _live(draft: _Draft, delta: compare.PaneDelta, ready: list[int]) -> None:
    want, have = delta.want, delta.have
    assert want is not None
    assert have is not None
    if not (delta.write or delta.adopt):
        return
    mark = have.pane.mark
    new = mark
    if mark is None:
        base = draft.mark(want.address)
        new = status.Mark(
            workspace=base.workspace,
            address=base.address,
            uid=base.uid,
            fingerprint=record.fingerprint(want),
        )
    assert new is not None
    titled = mark is None or delta.record is None or delta.record.pane.title != want.title
    draft.made[f"pane {want.address}"] = draft.add(
        action.Write(
            kind=action.Kind.PANE,
            address=want.address,
            expect=mark,
            mark=new,
            record=record.pane_text(want, delta.digests),
            title=(want.title or "") if titled and (want.title is not None or mark is not None) else None,
            id=have.pane.id,
        ),
        want.address,
        ready,
    )


def _gate(
    draft: _Draft, wanted: Mapping[str, compare.PaneDelta], awaits: dict[tuple[str, spec.Condition], int]
) -> None:
    """Puts an `Await` before each start that has to wait, shared among all that wait for the same, and one after each start
    whose pane has a health check."""

    def wait_for(address: str, condition: spec.Condition) -> int:
        pane = wanted[address].want
        assert pane is not None
        key = (address, condition)
        if key not in awaits:
            before = [draft.started[address]] if address in draft.started else draft.after(f"pane {address}")
            awaits[key] = draft.add(
                action.Await(address=address, condition=condition, pane=pane), address, before
            )
        return awaits[key]

    for delta in wanted.values():
        want = delta.want
        if want is None or not delta.start:
            continue
        start = draft.started[want.address]
        if isinstance(draft.steps[start].action, action.TypeLines):
            start = next(
                step
                for step in draft.steps[start].after
                if isinstance(
                    draft.steps[step].action,
                    action.StartPane | action.CreatePane | action.CreateWindow | action.CreateSession,
                )
            )
        gates = [
            (wait_for(edge.pane, edge.condition), edge.required)
            for edge in want.depends_on
            if edge.pane in wanted
        ]
        step = draft.steps[start]
        draft.steps[start] = plan.Step(
            id=step.id,
            action=step.action,
            after=tuple(sorted({*step.after, *(gate for gate, required in gates if required)})),
            optional_after=tuple(
                sorted({*step.optional_after, *(gate for gate, required in gates if not required)})
            ),
            change=step.change,
        )
    for delta in wanted.values():
        if delta.start and delta.want is not None and delta.want.health is not None:
            wait_for(delta.want.address, spec.Condition.HEALTHY)
