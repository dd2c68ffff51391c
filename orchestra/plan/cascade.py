"""Who is restarted because what he depends on was (`on_restart: cascade`).

A pane's record names, for each such dependency, the process beside which its own was started. Where another one is there now, the
pane is to be restarted: nobody has to have seen it happen, and a restart writes the record anew in the step that makes it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from orchestra.model import plan, spec, status
from orchestra.plan import deltas, record

NONE = "-"
"""Nothing had been started there."""


class Edge(StrEnum):
    """How it stands with one dependency of a pane."""

    SAME = "same"
    """The process that was there, or none that counts."""
    COMING = "coming"
    """Another one, which has not reached the condition yet and still may."""
    THERE = "there"
    """Another one, which has."""


def process(pane: status.Pane | None) -> str:
    """Tells one process of a pane from another: for as long as the server lives no pane has the id of another one."""
    if pane is None or (pane.mark is not None and pane.mark.stage is status.Stage.WAITING):
        return NONE
    return f"{pane.id}.{pane.pid}"


def cascading(pane: spec.Pane) -> Iterator[spec.Dependency]:
    return (edge for edge in pane.depends_on if edge.cascades)


def beside(pane: spec.Pane, there: Mapping[str, status.Place]) -> dict[str, str]:
    """For its record, when it is started now."""
    found = ((edge.pane, there.get(edge.pane)) for edge in cascading(pane))
    return {address: process(place.pane if place is not None else None) for address, place in found}


def may_be_restarted(pane: status.Pane) -> bool:
    """It runs, and no person has stopped it. What has ended, well or not, and what was given up stays so; and what was never started
    is an apply's to start."""
    return (
        not pane.dead
        and pane.mark is not None
        and pane.mark.stage not in (status.Stage.WAITING, status.Stage.STOPPED)
    )


def edge(
    want: spec.Dependency, known: Mapping[str, str], there: status.Place | None, *, is_healthy: bool
) -> Edge:
    """`known`: what its dependant's record names. `is_healthy`: as its health check says; of one without it does not matter."""
    if want.pane not in known or there is None or process(there.pane) in (NONE, known[want.pane]):
        return Edge.SAME
    pane = there.pane
    match want.condition:
        case spec.Condition.STARTED | spec.Condition.HEALTHY if pane.dead:
            return Edge.SAME  # it will be another one still, if any
        case spec.Condition.STARTED:
            return Edge.THERE
        case spec.Condition.HEALTHY:
            return Edge.THERE if is_healthy else Edge.COMING
        case _ if not pane.dead or (pane.exit_code is None and pane.signal is None):
            return Edge.COMING
        case spec.Condition.COMPLETED_SUCCESSFULLY if pane.exit_code != 0:
            return Edge.SAME
        case _:
            return Edge.THERE


# --- in a plan


def kept(
    want: spec.Pane, before: record.PaneRecord | None, there: Mapping[str, status.Place]
) -> Mapping[str, str]:
    """For the record of one that runs on. Who asks for it only now rests on what is there now: what was before restarts nothing."""
    now = beside(want, there)
    if before is None:
        return now
    asked = {each.pane for each in cascading(before.pane)}
    new = {address: process for address, process in now.items() if address not in asked}
    return {**{address: before.beside[address] for address in now if address in before.beside}, **new}


def adopt(found: deltas.Comparison) -> None:
    """What is adopted rests on what is adopted with it, too. What it depends on and is not there yet restarts nothing later."""
    there = {pane.want.address: pane.have for pane in found.panes if pane.want and pane.have}
    for pane in found.panes:
        if pane.adopt and pane.want is not None:
            now = beside(pane.want, there)
            pane.beside = {address: process for address, process in now.items() if address in there}


def restart(found: deltas.Comparison) -> None:
    """Those that ask for it, with what this plan starts, and because of what was started before."""
    here = {pane.want.address: pane for pane in found.panes if pane.want is not None}
    asking = [pane for pane in here.values() if pane.want is not None and any(cascading(pane.want))]
    more = True
    while more:  # each may be what another one waits for
        more = False
        for pane in asking:
            if why := _why(pane, here, found.seen.panes):
                assert pane.have is not None
                pane.start, pane.write, pane.type_on = True, False, False
                pane.change = dataclasses.replace(
                    pane.change,
                    verb=plan.Verb.REPLACE,
                    causes=(*why, *pane.change.causes),
                    stops=pane.have.pane.pid,
                )
                more = True


def _why(
    pane: deltas.Pane, here: Mapping[str, deltas.Pane], there: Mapping[str, status.Place]
) -> list[plan.Cause]:
    decided = pane.start or pane.stop or pane.end
    if decided or pane.want is None or pane.have is None or not may_be_restarted(pane.have.pane):
        return []
    why: list[plan.Cause] = []
    known = pane.record.beside if pane.record is not None else {}
    for each in cascading(pane.want):
        other = here.get(each.pane)
        if other is not None and other.start:
            verb = "restarted" if other.change.verb is plan.Verb.REPLACE else "started"
            why.append(plan.Cause(reason=f"{each.pane} is {verb}"))
            continue
        place = other.have if other is not None and other.adopt else there.get(each.pane)
        if edge(each, known, place, is_healthy=True) is Edge.THERE:  # else its gate tells
            why.append(plan.Cause(reason=was_restarted([each.pane]), drift=True))
    return why


def beyond(found: deltas.Comparison, desired: spec.Workspace) -> Sequence[str]:
    """Panes that are no targets, and ask to be restarted with what this plan starts."""
    here = {pane.want.address for pane in found.panes if pane.want is not None}
    started = {pane.want.address for pane in found.panes if pane.want is not None and pane.start}
    return [
        want.address
        for want in desired.panes
        if want.address not in here
        and (place := found.seen.panes.get(want.address)) is not None
        and may_be_restarted(place.pane)
        and any(each.pane in started for each in cascading(want))
    ]


def was_restarted(addresses: Iterable[str]) -> str:
    """The reason."""
    named = list(addresses)
    return f"{', '.join(named)} {'was' if len(named) == 1 else 'were'} restarted"
