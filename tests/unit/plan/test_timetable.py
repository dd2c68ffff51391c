"""Against a reference that looks at every minute, on days on which clocks are set."""

from __future__ import annotations

import functools
import itertools
import random
import time
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import cronsim
import pytest

from orchestra.model import rules
from orchestra.plan import timetable

MINUTE = timedelta(minutes=1)
DAYS = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),  # half an hour
    "America/Santiago": ("2026-04-05", "2026-09-06"),  # at midnight
    "Africa/Cairo": ("2026-04-24", "2026-10-30"),
    "America/Havana": ("2026-03-08", "2026-11-01"),
    "Pacific/Apia": ("2011-12-30",),  # a day that never was
    "Asia/Kathmandu": ("2026-05-05",),
    "UTC": ("2026-01-01",),
}
EXPRESSIONS = (
    "*/15 * * * *", "0 * * * *", "*/30 2 * * *", "*/30 1 * * *", "*/20 0 * * *", "30 2 * * *", "30 0 * * *", "0 0 * * *",
    "15,45 2,3 * * *", "0 */2 * * *", "*/7 1-3 * * SUN", "30 1 * * *", "0 3 * * *", "59 23 * * *", "5 0,1,2 * * *",
)  # fmt: skip


def schedule(text: str, zone: str = "", **more: object) -> rules.Schedule:
    return rules.Schedule(name="x", time=rules.Cron(expression=text), timezone=zone, do=(), **more)  # type: ignore[arg-type]


def between(
    what: rules.Schedule, begin: datetime, end: datetime, since: datetime | None = None
) -> list[datetime]:
    found = timetable.instants(what, since or begin, begin)
    return list(itertools.takewhile(lambda each: each <= end, found))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@functools.cache
def walls(zone: str, begin: datetime, minutes: int) -> tuple[tuple[datetime, datetime, datetime], ...]:
    """Each minute, with what a clock shows then and what it showed a minute before."""
    where = zoneinfo.ZoneInfo(zone)
    every = [begin + number * MINUTE for number in range(minutes + 1)]
    shown = [each.astimezone(where) for each in every]
    return tuple(zip(every[1:], shown[1:], shown[:-1], strict=True))


def reference(text: str, zone: str, begin: datetime, minutes: int) -> Iterator[datetime]:
    parsed = cronsim.CronSim(text, datetime(2020, 1, 1))  # noqa: DTZ001 - only what it parsed is used

    def fits(wall: datetime) -> bool:
        return (
            wall.minute in parsed.minutes and wall.hour in parsed.hours and wall.month in parsed.months
            and parsed.match_day(wall.date())
        )  # fmt: skip

    is_frequency = any(field.startswith("*") for field in text.split()[:2])
    for instant, wall, before in walls(zone, begin, minutes):
        shown, last = wall.replace(tzinfo=None, fold=0), before.replace(tzinfo=None, fold=0)
        left_out = []
        while (last := last + MINUTE) < shown:
            left_out.append(last)
        if fits(shown) if is_frequency else (fits(shown) and not wall.fold) or any(map(fits, left_out)):
            yield instant


@pytest.mark.parametrize(("zone", "day"), [(zone, day) for zone, days in DAYS.items() for day in days])
def test_days_on_which_clocks_are_set(zone: str, day: str) -> None:
    begin = datetime.fromisoformat(day).replace(tzinfo=zoneinfo.ZoneInfo(zone)).astimezone(UTC) - timedelta(
        hours=26
    )
    end, dice = begin + timedelta(hours=66), random.Random(day)
    for text in EXPRESSIONS:
        wanted = list(reference(text, zone, begin, 66 * 60))
        assert between(schedule(text, zone), begin, end) == wanted, text
        for _ in range(5):  # wherever one begins
            later = begin + timedelta(seconds=dice.randrange(66 * 3600))
            assert between(schedule(text, zone), later, end) == [each for each in wanted if each > later], (
                text
            )


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("30 2 * * *", ["03:00+02:00"]),  # the gap: at once after it
        ("0,30 2 * * *", ["03:00+02:00"]),  # two of them are one
        ("*/30 2 * * *", []),  # a frequency: there is no such hour
        ("30 1 * * *", ["01:30+01:00"]),
    ],
)
def test_spring_in_berlin(text: str, local: list[str]) -> None:
    begin = at("2026-03-29T00:00+01:00")
    found = between(schedule(text, "Europe/Berlin"), begin, begin + timedelta(hours=20))
    assert found == [at(f"2026-03-29T{each}") for each in local]


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("30 2 * * *", ["02:30+02:00"]),  # the first of the two only
        ("30 * * * *", ["01:30+02:00", "02:30+02:00", "02:30+01:00", "03:30+01:00"]),
    ],
)
def test_autumn_in_berlin(text: str, local: list[str]) -> None:
    begin, end = at("2026-10-25T01:00+02:00"), at("2026-10-25T04:00+01:00")
    assert between(schedule(text, "Europe/Berlin"), begin, end) == [
        at(f"2026-10-25T{each}") for each in local
    ]


def test_the_machines_own_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = at("2026-03-28T12:00+01:00")
    for text in EXPRESSIONS:
        wanted = between(schedule(text, "Europe/Berlin"), begin, begin + timedelta(days=2))
        with monkeypatch.context() as here:
            here.setenv("TZ", "Europe/Berlin")
            time.tzset()
            assert between(schedule(text), begin, begin + timedelta(days=2)) == wanted
        time.tzset()


def test_seconds_and_what_is_rare() -> None:
    begin = at("2026-01-01T00:00:00+00:00")
    assert len(between(schedule("*/10 * * * * *", "UTC"), begin, begin + MINUTE)) == 6
    assert next(timetable.instants(schedule("0 0 29 2 *", "UTC"), begin, begin)) == at(
        "2028-02-29T00:00+00:00"
    )
    assert between(schedule("0 12 * * MON#5", "UTC"), begin, at("2026-04-01T00:00+00:00")) == [
        at("2026-03-30T12:00+00:00")
    ]


def test_every_is_counted_from_when_it_was_applied() -> None:
    since = at("2026-10-25T00:00:07+00:00")
    what = rules.Schedule(name="x", time=rules.Every(interval=timedelta(minutes=40)), do=())
    assert between(what, since, since + timedelta(hours=2), since) == [
        since + timedelta(minutes=minutes) for minutes in (40, 80, 120)
    ]
    assert between(what, since + timedelta(minutes=80), since + timedelta(hours=2), since) == [
        since + timedelta(hours=2)
    ]
    assert next(timetable.instants(what, since, since - timedelta(days=1))) == since + timedelta(minutes=40)


def test_the_last_year_there_is() -> None:
    since = at("2026-01-01T00:00:00+00:00")
    what = rules.Schedule(name="x", time=rules.Every(interval=timedelta(days=3650)), do=())
    assert 790 < len(list(timetable.instants(what, since, since))) < 800
    assert (
        list(timetable.instants(schedule("0 0 1 1 *", "UTC"), since, datetime(9999, 6, 1, tzinfo=UTC))) == []
    )


@pytest.mark.parametrize(
    ("text", "zone", "wanted"),
    [
        ("2026-12-24 18:00", "Europe/Berlin", "2026-12-24T17:00+00:00"),
        ("2026-12-24T18:00+05:00", "Europe/Berlin", "2026-12-24T13:00+00:00"),
        ("2026-03-29 02:30", "Europe/Berlin", "2026-03-29T01:00+00:00"),
        ("2026-10-25 02:30", "Europe/Berlin", "2026-10-25T00:30+00:00"),
    ],
)
def test_at(text: str, zone: str, wanted: str) -> None:
    what = rules.Schedule(name="x", time=rules.At(time=text), timezone=zone, do=())
    begin = at("2026-01-01T00:00+00:00")
    assert list(timetable.instants(what, begin, begin)) == [at(wanted)]
    assert list(timetable.instants(what, begin, at(wanted))) == []


@pytest.mark.parametrize(
    "what",
    [
        schedule("0 9 * *"),
        schedule("0 0 31 2 *"),
        schedule("0 9 * * *", "Nowhere/Else"),
        rules.Schedule(name="x", time=rules.At(time="tomorrow"), do=()),
        rules.Schedule(name="x", time=rules.Every(interval=timedelta(0)), do=()),
    ],
)
def test_what_is_no_time(what: rules.Schedule) -> None:
    begin = at("2026-01-01T00:00+00:00")
    with pytest.raises(timetable.Unreadable):
        next(timetable.instants(what, begin, begin))


def test_jitter_is_the_same_again_and_never_reaches_the_next_time() -> None:
    what = schedule("* * * * *", jitter=timedelta(minutes=5))
    begin = at("2026-01-01T00:00+00:00")
    every = between(what, begin, begin + timedelta(hours=10))
    turns = [timetable.due(what, one, next_, "seed") for one, next_ in itertools.pairwise(every)]
    assert turns == [timetable.due(what, one, next_, "seed") for one, next_ in itertools.pairwise(every)]
    assert turns != [timetable.due(what, one, next_, "other") for one, next_ in itertools.pairwise(every)]
    assert all(
        one <= turn < next_ for (one, next_), turn in zip(itertools.pairwise(every), turns, strict=True)
    )
    late = [(turn - one).total_seconds() for one, turn in zip(every, turns, strict=False)]
    assert min(late) < 5
    assert max(late) > 55


@pytest.mark.parametrize(
    ("text", "away", "count", "last"),
    [
        ("* * * * *", timedelta(hours=1), 60, timedelta(0)),
        ("0 * * * *", timedelta(days=2), 48, timedelta(0)),
        ("0 12 1 * *", timedelta(days=365), 12, timedelta(days=30, hours=12)),
        ("* * * * *", timedelta(days=300), timetable.MOST, timedelta(0)),
        ("*/5 * * * * *", timedelta(days=3000), timetable.MOST, timedelta(0)),
    ],
)
def test_what_has_passed(text: str, away: timedelta, count: int, last: timedelta) -> None:
    begin = at("2026-01-01T00:00+00:00")
    found = timetable.passed(schedule(text, "UTC"), begin, begin, begin + away)
    assert (found.count, found.last) == (count, begin + away - last)
    assert found.next is not None
    assert found.next > begin + away
