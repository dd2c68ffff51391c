"""Figures as Prometheus reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from orchestra.engine.react import metrics as engine
from orchestra.model import metrics

if TYPE_CHECKING:
    from prometheus_client import core

_Read = Callable[[metrics.Usage], float | None]

LABELS = ("workspace", "session", "pane")
COUNTERS: Mapping[str, tuple[str, _Read]] = {
    "orchestra_pane_cpu_seconds": ("Processor time its processes had.", lambda usage: usage.cpu_seconds),
    "orchestra_pane_io_read_bytes": ("Read from storage.", lambda usage: usage.io_read),
    "orchestra_pane_io_write_bytes": ("Written to storage.", lambda usage: usage.io_write),
}
GAUGES: Mapping[str, tuple[str, _Read]] = {
    "orchestra_pane_memory_rss_bytes": ("Resident memory of its processes.", lambda usage: usage.rss),
    "orchestra_pane_threads": ("Threads of its processes.", lambda usage: usage.threads),
    "orchestra_pane_processes": ("Live processes.", lambda usage: usage.processes),
    "orchestra_pane_uptime_seconds": (
        "Since its first process was started.",
        lambda usage: usage.uptime,
    ),
}


def text(reading: engine.Reading, daemon: Mapping[str, Any]) -> tuple[str, str]:
    """And its media type. `daemon` is what `Control.describe` says."""
    import prometheus_client  # 40 ms and 6 MB, for who scrapes
    from prometheus_client import exposition

    registry = prometheus_client.CollectorRegistry()
    registry.register(_Collected(_families(reading, daemon)))
    prometheus_client.ProcessCollector(registry=registry)
    return exposition.generate_latest(registry).decode(), exposition.CONTENT_TYPE_LATEST


class _Collected:
    def __init__(self, families: Iterable[core.Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[core.Metric]:
        return self._families


def _families(reading: engine.Reading, daemon: Mapping[str, Any]) -> Iterable[core.Metric]:
    from prometheus_client import core

    # Of two panes with one address (somebody forged a mark) the first counts: a series twice is refused with all the others.
    rows = {(row.pane.workspace, row.pane.session, row.pane.address): row for row in reversed(reading.rows)}
    for name, (help_, read) in COUNTERS.items():
        counter = core.CounterMetricFamily(name, help_, labels=LABELS)
        for labels, row in rows.items():
            if row.usage is not None and (value := read(row.usage)) is not None:
                counter.add_metric(labels, value)
        yield counter
    restarts = core.CounterMetricFamily(
        "orchestra_pane_restarts", "Started again since the daemon first saw it.", labels=LABELS
    )
    for labels, row in rows.items():
        restarts.add_metric(labels, row.restarts or 0)
    yield restarts
    for name, (help_, read) in GAUGES.items():
        gauge = core.GaugeMetricFamily(name, help_, labels=LABELS)
        for labels, row in rows.items():
            if row.usage is not None and (value := read(row.usage)) is not None:
                gauge.add_metric(labels, value)
        yield gauge
    panes = core.GaugeMetricFamily(
        "orchestra_panes", "Panes by condition.", labels=("workspace", "condition")
    )
    counted = Counter((row.pane.workspace, row.pane.condition) for row in reading.rows)
    for pair, count in sorted(counted.items()):
        panes.add_metric(pair, count)
    yield panes
    yield core.InfoMetricFamily("orchestra_daemon", "The daemon.", value={"version": str(daemon["version"])})
    yield core.GaugeMetricFamily("orchestra_daemon_uptime_seconds", "How long it runs.", daemon["uptime"])
    yield core.GaugeMetricFamily("orchestra_daemon_listeners", "Who follows its events.", daemon["listeners"])
    yield core.GaugeMetricFamily(
        "orchestra_daemon_troubles", "What does not work now.", len(daemon["troubles"])
    )
    yield core.CounterMetricFamily(
        "orchestra_daemon_events", "Events it and those before it have kept.", daemon["journal"]["last"]
    )
