"""Where commands get panes' figures from, a daemon or their own samples, and how they look."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from orchestra.cli import options, output
from orchestra.model import errors

if TYPE_CHECKING:  # see options
    from orchestra.cli import client
    from orchestra.model import metrics

Item = TypeVar("Item")

MOST_RECENT = 360
BARS = "▁▂▃▄▅▆▇█"


class Source(Protocol):
    name: str

    def rows(self, *, pss: bool = False) -> Sequence[metrics.Row]:
        """All panes of the server; rates are known as far as that takes less than an interval."""

    def recent(self, count: int) -> Mapping[str, Sequence[float | None]]:
        """The processor's share in the past, by pane id: as many points as are known, up to `count`."""

    def rest(self) -> None:
        """Until the next reading is due."""


OFTEN, ONCE = timedelta(seconds=2), timedelta(seconds=1)
"""Between two samples, where nobody says how long: once there is somebody who waits for the second one."""


def source(
    common: options.Common, interval: timedelta | None, *, watch: bool = False, patient: bool = True
) -> Source:
    """Unless `patient`, the first reading is at once, and knows no rates where no daemon measures."""
    there = common.daemon()
    chosen = interval or (OFTEN if watch or there is not None else ONCE)
    seconds = max(chosen.total_seconds(), 0.1)
    return _Here(common, seconds, patient) if there is None else _Daemon(there, seconds, patient)


class _Daemon:
    name = "the daemon"

    def __init__(self, there: client.Client, interval: float, patient: bool) -> None:
        self._there = there
        self._patient = patient
        self._interval = interval

    def rows(self, *, pss: bool = False) -> Sequence[metrics.Row]:
        found = told(self._there, max_age=self._interval, pss=pss)
        if self._patient and any(row.usage is not None and row.usage.interval is None for row in found):
            found = told(self._there, max_age=0.0, pss=pss)
        return found

    def recent(self, count: int) -> Mapping[str, Sequence[float | None]]:
        asked = {"max_age": 3600.0, "recent": count}
        found: Mapping[str, Sequence[float | None]] = self._there.get("/v1/metrics", asked)["recent"]
        return found

    def rest(self) -> None:
        _rest(self._interval)


def told(there: client.Client, *, max_age: float, pss: bool = False) -> Sequence[metrics.Row]:
    from orchestra.model import metrics

    return [
        metrics.load(each)
        for each in there.get("/v1/metrics", {"max_age": max_age, "pss": pss or None})["panes"]
    ]


def rememberer(common: options.Common) -> client.Client:
    there = common.daemon()
    if there is None:
        raise errors.OrchestraError(
            "no daemon runs for this tmux server, and nobody else remembers",
            hint="start it with: orchestra daemon start",
        )
    return there


def history(there: client.Client, row: metrics.Row, duration: timedelta) -> Sequence[Mapping[str, Any]]:
    """Of a pane: `model.metrics.Point`s as JSON."""
    asked = {"pane": row.pane.id, "seconds": duration.total_seconds()}
    points: Sequence[Mapping[str, Any]] = there.get("/v1/metrics/history", asked)["points"]
    return points


class _Here:
    name = "this command"

    def __init__(self, common: options.Common, interval: float, patient: bool) -> None:
        from orchestra.daemon.react import measuring

        self._measuring = measuring.Measuring(common.assembly())
        self._interval = interval
        self._begun = not patient
        self._recent: dict[str, deque[float | None]] = {}

    def rows(self, *, pss: bool = False) -> Sequence[metrics.Row]:
        if not self._begun:
            self._measuring.rows()
            self._begun = True
            self.rest()
        found = self._measuring.rows(pss=pss)
        known = self._recent
        self._recent = {row.pane.id: known.get(row.pane.id, deque(maxlen=MOST_RECENT)) for row in found}
        for row in found:
            self._recent[row.pane.id].append(row.usage.cpu_percent if row.usage is not None else None)
        return found

    def recent(self, count: int) -> Mapping[str, Sequence[float | None]]:
        return {id_: list(values)[-count:] for id_, values in self._recent.items()}

    def rest(self) -> None:
        _rest(self._interval)


def _rest(seconds: float) -> None:
    threading.Event().wait(seconds)  # between two samples there is nothing to wait for but time


def chosen(common: options.Common, rows: Sequence[metrics.Row], words: Sequence[str]) -> list[metrics.Row]:
    from orchestra.plan import measured

    assembly = common.assembly()
    known: dict[str, Mapping[str, Sequence[str]]] = {}

    def groups(workspace: str) -> Mapping[str, Sequence[str]]:
        from orchestra.daemon import grouping  # where a group is asked for

        if workspace not in known:
            known[workspace] = grouping.groups(assembly, workspace)
        return known[workspace]

    ids = {pane.id for pane in measured.chosen([row.pane for row in rows], words, groups)}
    return [row for row in rows if row.pane.id in ids]


def percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} %" if value < 99.95 else f"{value:.0f} %"


def size(value: float | None) -> str:
    """`0 B`, `512 KB`, `1.4 GB`; a kilobyte is 1024 bytes."""
    if value is None:
        return "-"
    for unit in ("B", "KB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if value >= 9.95 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TB"


def cells(usage: metrics.Usage | None, *, pss: bool) -> list[str]:
    """The columns of `metrics.HEAD` after the pane."""
    if usage is None:
        return ["-"] * (8 if pss else 7)
    return [
        percent(usage.cpu_percent),
        size(usage.rss),
        *([size(usage.pss)] if pss else []),
        size(usage.io_read),
        size(usage.io_write),
        str(usage.threads),
        str(usage.processes),
        output.duration(usage.uptime),
    ]


def spread(items: Sequence[Item], most: int) -> list[Sequence[Item]]:
    """In order, in at most so many groups of about the same size."""
    count = min(most, len(items))
    edges = [len(items) * number // count for number in range(count + 1)] if count else [0]
    return [items[start:end] for start, end in itertools.pairwise(edges)]


def sparkline(values: Sequence[float | None], width: int, top: float) -> str:
    """The newest `width` of them; `top` and more is a whole block, nothing known is a space."""
    shown = list(values)[-width:]
    last = len(BARS) - 1
    drawn = "".join(
        " " if value is None else BARS[max(0, min(last, round(value / top * last)))] for value in shown
    )
    return drawn.rjust(width)
