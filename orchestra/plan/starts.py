"""Processes of panes that are in their place: stop what is there, wait for the gates, start, type; and what is written live."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from orchestra.model import action, spec, status
from orchestra.plan import deltas, record
from orchestra.plan.draft import Draft, begun, set_options, typed_out


def starts(draft: Draft, comparison: deltas.Comparison) -> None:
    wanted = {delta.want.address: delta for delta in comparison.panes if delta.want is not None}
    first: dict[str, list[int]] = {}
    """Address -> the step that starts its process, and before it the one that stops what runs there: neither without its gates."""
    halted: dict[str, tuple[int, int]] = {}
    """Address → the step that stops it for good, and the one that says so."""
    typing: list[tuple[spec.Pane, status.Mark, list[int]]] = []
    for address, delta in wanted.items():
        want = delta.want
        assert want is not None
        if delta.start:
            stops = [] if address in draft.started else _start(draft, delta, want)
            first[address] = [draft.started[address], *(stops if delta.change.stops else ())]
            known = draft.seeds.get(address) or (delta.have.pane.mark if delta.have is not None else None)
            assert known is not None
            typing.append((want, begun(known, want), first[address][:1]))
        elif delta.stop and delta.have is not None:
            halted[address] = _halt(draft, delta, want, delta.have)
        elif delta.end and delta.have is not None:
            _end(draft, delta, want, delta.have)
        elif delta.have is not None:
            _live(draft, delta, want, delta.have)
            if delta.type_on and delta.have.pane.mark is not None:
                typing.append((want, delta.have.pane.mark, draft.after(f"pane {address}")))
    for address, (first_step, _) in halted.items():  # dependants first
        waiting_for = [
            halted[other][1]
            for other, delta in wanted.items()
            if other in halted
            and delta.want is not None
            and any(edge.pane == address for edge in delta.want.depends_on)
        ]
        draft.wait(first_step, waiting_for)
    for window in comparison.windows:
        for delta in window.panes:
            if delta.options and delta.want is not None:
                address, old = delta.want.address, delta.record.pane.options if delta.record else {}
                options = set_options(action.Kind.PANE, address, old, delta.want.options)
                # By its id, which a new one has only after a round trip: so when all else is done.
                ready = [*draft.after(f"pane {address}"), *draft.settled.get(window.address, ())]
                draft.add(options, address, ready)
    for want, mark, ready in typing:
        if mark.stage is status.Stage.TYPING:
            step = draft.add(
                action.TypeLines(address=want.address, mark=mark, pane=want), want.address, ready
            )
            draft.started[want.address] = step
            mark, ready = typed_out(mark, want), [step]
        typed = wanted[want.address].typed
        if typed is not None:
            line, enter = typed
            ahead = action.TypeAhead(address=want.address, mark=mark, line=line, enter=enter)
            draft.add(ahead, want.address, ready)
    _gate(draft, wanted, first)


def _start(draft: Draft, delta: deltas.Pane, want: spec.Pane) -> list[int]:
    """The step that stops what was there before; none in a pane that this plan makes."""
    ready = draft.after(f"pane {want.address}")
    stops: list[int] = []
    mark = draft.seeds.get(want.address)
    if mark is None:
        assert delta.have is not None
        assert delta.have.pane.mark is not None
        mark = delta.have.pane.mark
        known = delta.record.pane if delta.record is not None else want
        stop = action.StopPane(
            address=want.address,
            expect=mark,
            pid=delta.have.pane.pid,
            stop=known.stop,
            shell=known.command is None,
        )
        stops = [draft.add(stop, want.address, ready)]
    start = action.StartPane(address=want.address, expect=mark, mark=begun(mark, want), pane=want)
    draft.started[want.address] = draft.add(start, want.address, [*ready, *stops, *draft.freed])
    return stops


def _halt(draft: Draft, delta: deltas.Pane, want: spec.Pane, have: status.Place) -> tuple[int, int]:
    mark, ready = have.pane.mark, draft.after(f"pane {want.address}")
    assert mark is not None
    known = delta.record.pane if delta.record is not None else want
    halted = dataclasses.replace(mark, stage=status.Stage.STOPPED)
    said = action.Write(
        kind=action.Kind.PANE,
        address=want.address,
        expect=mark,
        mark=halted,
        record=have.pane.record,
        id=have.pane.id,
    )
    # First of all, so that nobody who sees it end starts it again.
    first = draft.add(said, want.address, ready)
    if have.pane.dead:
        return first, first
    stop = action.StopPane(
        address=want.address, expect=halted, pid=have.pane.pid, stop=known.stop, shell=known.command is None
    )
    return first, draft.add(stop, want.address, [first])


def _end(draft: Draft, delta: deltas.Pane, want: spec.Pane, have: status.Place) -> None:
    mark = have.pane.mark
    assert mark is not None
    known = delta.record.pane if delta.record is not None else want
    stop = action.StopPane(
        address=want.address, expect=mark, pid=have.pane.pid, stop=known.stop, shell=known.command is None
    )
    draft.add(stop, want.address, draft.after(f"pane {want.address}"))


def _live(draft: Draft, delta: deltas.Pane, want: spec.Pane, have: status.Place) -> None:
    if not delta.write or have.pane.mark is None:
        return
    draft.made[f"pane {want.address}"] = draft.add(
        action.Write(
            kind=action.Kind.PANE,
            address=want.address,
            expect=have.pane.mark,
            mark=have.pane.mark,
            record=record.pane_text(record.as_made(want, delta.record), delta.digests, delta.beside),
            title=(want.title or "")
            if delta.record is None or delta.record.pane.title != want.title
            else None,
            id=have.pane.id,
        ),
        want.address,
        draft.after(f"pane {want.address}"),
    )


def _gate(draft: Draft, wanted: Mapping[str, deltas.Pane], first: Mapping[str, list[int]]) -> None:
    """Puts an `Await` before each start that has to wait, shared among all that wait for the same, and one after each start
    whose pane has a health check. What runs is not stopped before it can be started again."""
    awaits: dict[tuple[str, spec.Condition], int] = {}

    def wait_for(address: str, condition: spec.Condition) -> int:
        pane = wanted[address].want
        assert pane is not None
        key = (address, condition)
        if key not in awaits:
            before = [draft.started[address]] if address in draft.started else draft.after(f"pane {address}")
            what = action.Await(address=address, condition=condition, pane=pane)
            awaits[key] = draft.add(what, address, before)
        return awaits[key]

    for address, steps in first.items():
        want = wanted[address].want
        assert want is not None
        gates = [
            (wait_for(edge.pane, edge.condition), edge.required)
            for edge in want.depends_on
            if edge.pane in wanted
        ]
        for step in steps:
            draft.wait(
                step,
                [gate for gate, required in gates if required],
                [gate for gate, required in gates if not required],
            )
    for address in first:
        want = wanted[address].want
        if want is not None and want.health is not None and want.health.probe is not None:
            wait_for(address, spec.Condition.HEALTHY)
