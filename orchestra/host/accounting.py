"""What a family of processes has used, from what the system counts of each: pure arithmetic.

The system counts for each living process, and hands what an ended one had used to the process that waited for it. So the sum over a family
stays when a member ends in it; what has to be kept apart is what of an inheritance was counted before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from orchestra.model.frozen import frozen

_LESS_THAN_A_TICK = 0.005


class Counted(NamedTuple):
    """One process at one moment. Seconds of the processor, bytes of storage. A tuple, because hundreds are made for each look."""

    started: float
    parent: int
    at: float
    """When it was looked at, on a clock that nobody sets."""
    cpu: float = 0.0
    reaped: float = 0.0
    """What ended children had that it has waited for, with theirs."""
    read: int = 0
    """With those of such children; so is `written`."""
    written: int = 0


@frozen
class Account:
    """Of a family, since it was first looked at; the sums never fall."""

    root: int
    started: float
    """Of the root, 0 when it was gone already. With another root it is another family."""
    at: float
    cpu: float
    cpu_percent: float | None
    """Since the look before, of one core; None at the first."""
    interval: float | None
    read: int
    written: int
    family: Mapping[int, Counted]


def account(root: int, family: Mapping[int, Counted], before: Account | None) -> Account:
    """`family` is not empty; zombies belong to it: nobody has inherited from them yet."""
    first = family.get(root)
    at = max(each.at for each in family.values())
    if before is None or before.root != root or (first is not None and first.started != before.started):
        return Account(
            root=root,
            started=0.0 if first is None else first.started,
            at=at,
            cpu=sum(each.cpu + each.reaped for each in family.values()),
            cpu_percent=None,
            interval=None,
            read=sum(each.read for each in family.values()),
            written=sum(each.written for each in family.values()),
            family=family,
        )
    left = _left(before.family, family)
    cpu, share, read, written = before.cpu, 0.0, before.read, before.written
    for pid, now in family.items():
        then = before.family.get(pid)
        if then is None or then.started != now.started:
            then = Counted(started=now.started, parent=now.parent, at=before.at)
        used, used_read, used_written = _used(then, now, left.get(pid))
        cpu += used
        read += used_read
        written += used_written
        if used and now.at > then.at:
            share += used / (now.at - then.at)
    return Account(
        root=root,
        started=before.started,
        at=at,
        cpu=cpu,
        cpu_percent=100 * share,
        interval=at - before.at,
        read=read,
        written=written,
        family=family,
    )


def _used(then: Counted, now: Counted, left: Counted | None) -> tuple[float, int, int]:
    """Seconds, bytes read and written between two looks at one process; `left` is what those had used who ended meanwhile and may
    have been inherited by it."""
    own, reaped = now.cpu - then.cpu, now.reaped - then.reaped
    read, written = now.read - then.read, now.written - then.written
    if left is not None:
        if reaped > left.cpu - _LESS_THAN_A_TICK:
            reaped, read, written = reaped - left.cpu, read - left.read, written - left.written
        else:
            reaped = 0.0  # Not inherited here, or not all: better too little than something twice.
    return max(0.0, own) + max(0.0, reaped), max(0, read), max(0, written)


def _left(before: Mapping[int, Counted], family: Mapping[int, Counted]) -> Mapping[int, Counted]:
    """By the nearest ancestor that lives on: all that those had used who have ended since."""
    lives = {pid for pid, each in before.items() if pid in family and family[pid].started == each.started}
    found: dict[int, Counted] = {}
    for pid in before.keys() - lives:
        ended = before[pid]
        heir = ended.parent
        for _ in before:  # as deep as it can be
            if heir in lives or heir not in before:
                break
            heir = before[heir].parent
        if heir in lives:
            sofar = found.get(heir, Counted(started=0.0, parent=0, at=0.0))
            found[heir] = Counted(
                started=0.0,
                parent=0,
                at=0.0,
                cpu=sofar.cpu + ended.cpu + ended.reaped,
                read=sofar.read + ended.read,
                written=sofar.written + ended.written,
            )
    return found
