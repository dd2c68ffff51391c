"""process-compose's processes that run at times, as our `schedules`."""

from __future__ import annotations

import datetime
import zoneinfo

from orchestra.discover import naming, settings, taking
from orchestra.discover.context import Context
from orchestra.discover.notes import CARRIED, Known, quoted
from orchestra.discover.tree import Map

SCHEDULE: Known = {
    "cron": CARRIED,
    "interval": CARRIED,
    "timezone": CARRIED,
    "run_on_start": CARRIED,
    "max_concurrent": CARRIED,
}
NAMED = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
SHORTEST = 100
"""Milliseconds: more often nothing can be due."""
_SOME_TIME = datetime.datetime(2000, 1, 1)  # noqa: DTZ001 - only the expression is looked at


def schedule(
    name: str, said: Map, panes: list[str], names: naming.Names, context: Context
) -> dict[str, object] | None:
    """A pane whose process runs already is not started a second time; one that a person stopped is left so: both as there."""
    context.notes.keys(said, SCHEDULE, "schedule")
    time = _time(said, context)
    if time is None:
        return None
    if not taking.flag(said, "run_on_start", context.notes):
        context.notes.warn(
            said.at,
            f"{quoted(name)} is also run when it is applied: a pane does not wait for its first time",
            hint="`do: [{run: …}]` in the schedule runs something at its times only, without a pane",
        )
    most = taking.whole(said, "max_concurrent", context.notes)
    if most is not None and most > 1:
        at = taking.place(said, "max_concurrent")
        context.notes.left_out(
            "max_concurrent", at, "a pane runs one process, and a time that finds it at work is skipped"
        )
    called = names.take(name, said.at, instead="schedule")
    return {"name": called, **time, "misfire": "skip", "do": [{"start": pane} for pane in panes]}


def _time(said: Map, context: Context) -> dict[str, object] | None:
    cron, interval = (taking.text(said, key, context.notes) for key in ("cron", "interval"))
    zone = taking.text(said, "timezone", context.notes)
    if cron:
        if interval:
            context.notes.left_out("interval", taking.place(said, "interval"), "`cron` goes before it")
        return _cron(cron, zone, said, context)
    if not interval:
        context.notes.left_out("schedule", said.at, "it has neither `cron` nor `interval`")
        return None
    at = taking.place(said, "interval")
    length = settings.milliseconds(interval, at, "interval", context)
    if length is not None and length < SHORTEST:
        context.notes.left_out("interval", at, f"{quoted(interval)} is more often than a schedule can be")
        return None
    return None if length is None else {"every": settings.spelled(length)}


def _cron(text: str, zone: str | None, said: Map, context: Context) -> dict[str, object] | None:
    import cronsim  # only who has a schedule pays for it

    if text not in NAMED:
        try:
            cronsim.CronSim(text, _SOME_TIME)
        except cronsim.CronSimError as wrong:
            context.notes.left_out(
                "cron", taking.place(said, "cron"), f"{quoted(text)} is no cron expression: {wrong}"
            )
            return None
    if zone in (None, "", "Local"):
        return {"cron": text}
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        context.notes.left_out(
            "timezone", taking.place(said, "timezone"), f"there is no time zone {quoted(zone)}"
        )
        return {"cron": text}
    return {"cron": text, "timezone": zone}
