"""When a schedule is due: instants in UTC, and nothing but arithmetic.

A cron expression is matched against a zone's wall clock, in Debian cron's manner. One that names its minute and its hour means a time of
day: where the clock is put forward over it, it is due at once after the gap, and where the clock is put back it is due the first time
only. One with a `*` in the minute or the hour means a frequency: it follows the time as it passes, so that it is due in both of the hours
that are called alike, and never in one that there is not.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from orchestra.model import rules
from orchestra.model.frozen import frozen

MOST = 5000
"""Instants that are counted; who missed more is told so many."""
LATE = timedelta(minutes=1)
"""By so much something may be late and is not yet missed, unless its next time has come meanwhile."""
_SECOND, _MINUTE, _DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


class Unreadable(ValueError):
    """It can never be due: what stands there is no time that we know."""


def instants(what: rules.Schedule, since: datetime, after: datetime) -> Iterator[datetime]:
    """Those after `after`, in order, each once. `since`: when it was first applied. Raises `Unreadable`."""
    match what.time:
        case rules.At(time=text):
            at = _at(text, zone(what))
            if at > after:
                yield at
        case rules.Every(interval=interval):
            if interval <= timedelta(0):
                raise Unreadable(f"{what.name}: every {interval}")
            with contextlib.suppress(OverflowError):  # beyond the last year there is
                for number in itertools.count(max((after - since) // interval, 0) + 1):
                    yield since + number * interval
        case rules.Cron(expression=expression):
            yield from _cron(expression, zone(what), after)


def zone(what: rules.Schedule) -> zoneinfo.ZoneInfo | None:
    """None: the machine's."""
    if not what.timezone:
        return None
    try:
        return zoneinfo.ZoneInfo(what.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Unreadable(f"there is no time zone {what.timezone!r} here") from error


def _at(text: str, where: zoneinfo.ZoneInfo | None) -> datetime:
    try:
        said = datetime.fromisoformat(text)
        return said.astimezone(UTC) if said.tzinfo is not None else _instant(said, where)
    except (ValueError, OverflowError) as error:
        raise Unreadable(f"{text!r} is no date with a time") from error


def _wall(instant: datetime, where: zoneinfo.ZoneInfo | None) -> datetime:
    """What a clock on the wall shows, without a zone."""
    return instant.astimezone(where).replace(tzinfo=None, fold=0)


def _instant(wall: datetime, where: zoneinfo.ZoneInfo | None) -> datetime:
    """The first time a clock shows that; where it never does, the moment it goes on after the gap."""
    while True:
        found = wall.replace(tzinfo=where, fold=0).astimezone(UTC)
        if _wall(found, where) == wall:
            return found
        wall = (wall + _MINUTE).replace(second=0, microsecond=0)


def _cron(expression: str, where: zoneinfo.ZoneInfo | None, after: datetime) -> Iterator[datetime]:
    fields = expression.split()
    is_frequency = len(fields) != 5 or fields[0].startswith("*") or fields[1].startswith("*")
    last = after
    with contextlib.suppress(OverflowError):  # as above
        for found in _passing(expression, where, after) if is_frequency else _times(expression, where, after):
            if (
                found > last
            ):  # two times in one gap are one instant; a time that comes twice was the first one
                yield found
                last = found


def _times(expression: str, where: zoneinfo.ZoneInfo | None, after: datetime) -> Iterator[datetime]:
    for wall in _walls(expression, _wall(after, where)):
        yield _instant(wall, where)


def _passing(expression: str, where: zoneinfo.ZoneInfo | None, after: datetime) -> Iterator[datetime]:
    """From one change of the zone's offset to the next, in each as if there were no other."""
    offset = _offset(after, where)
    while True:
        for wall in _walls(expression, (after + offset).replace(tzinfo=None)):
            found = wall.replace(tzinfo=UTC) - offset
            change = _change(after, found, offset, where)
            if change is not None:
                # The instant of the change itself counts in what comes after it.
                after, offset = change - _SECOND, _offset(change, where)
                break
            yield found
            after = found
        else:
            return


def _offset(instant: datetime, where: zoneinfo.ZoneInfo | None) -> timedelta:
    return _wall(instant, where) - instant.replace(tzinfo=None)


def _change(
    begin: datetime, end: datetime, offset: timedelta, where: zoneinfo.ZoneInfo | None
) -> datetime | None:
    """The first instant in (begin, end] from which on the offset is another one."""
    low = begin
    while low < end:
        high = min(low + _DAY, end)
        if _offset(high, where) != offset:
            while high - low > _SECOND:
                middle = (low + (high - low) / 2).replace(microsecond=0)
                if middle <= low:
                    break
                if _offset(middle, where) != offset:
                    high = middle
                else:
                    low = middle
            return high
        low = high
    return None


def _walls(expression: str, after: datetime) -> Iterator[datetime]:
    """On a clock that is never set."""
    import cronsim  # only who has a schedule pays for it

    try:
        yield from cronsim.CronSim(expression, after)
    except (cronsim.CronSimError, RuntimeError) as error:
        raise Unreadable(f"{expression!r} is no cron expression") from error


# --- jitter, and what has passed


def due(what: rules.Schedule, instant: datetime, following: datetime | None, seed: str) -> datetime:
    """When that instant's turn is, its jitter added: the same whoever asks, and always before the next one."""
    if not what.jitter:
        return instant
    most = what.jitter if following is None else min(what.jitter, following - instant)
    digest = hashlib.sha256(f"{seed}\0{what.name}\0{instant.isoformat()}".encode()).digest()
    return instant + most * (int.from_bytes(digest[:6]) / 2**48)


@frozen
class Passed:
    """Instants whose turn has come, and the next one's."""

    count: int = 0
    """At most `MOST`."""
    last: datetime | None = None
    before: datetime | None = None
    """The one before the last."""
    turn: datetime | None = None
    """The last one's."""
    next: datetime | None = None
    """The next one's turn."""


def passed(
    what: rules.Schedule,
    since: datetime,
    after: datetime,
    now: datetime,
    *,
    seed: str = "",
    told: Callable[[datetime], bool] = lambda _: False,
) -> Passed:
    """Those after `after`, save those that were told before. However many they are, it looks at few more than `MOST`."""
    count, last, before, turn = 0, None, None, None
    found = instants(what, since, after)
    instant = next(found, None)
    while instant is not None:
        following = next(found, None)
        at = due(what, instant, following, seed)
        if at > now:
            return Passed(count=count, last=last, before=before, turn=turn, next=at)
        if not told(instant):
            count, last, before, turn = count + 1, instant, last, at
        if count == MOST:
            found = instants(what, since, max(instant, _shortly_before(what, since, now)))
            following = next(found, None)
        count, instant = min(count, MOST), following
    return Passed(count=count, last=last, before=before, turn=turn)


def _shortly_before(what: rules.Schedule, since: datetime, now: datetime) -> datetime:
    """A moment from which few instants, and at least one whose turn has come, lie before `now`."""
    for back in _BACK:
        first = next(instants(what, since, now - back), None)
        if first is not None and first + what.jitter <= now:
            return now - back
    return since


_BACK = (timedelta(minutes=10), timedelta(hours=2), timedelta(days=2), timedelta(days=70))
