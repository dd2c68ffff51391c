"""Findings as a page of markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks import peers, scenarios
from benchmarks.rounds import Spread
from benchmarks.scenarios import Findings, Taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    what: str
    wanted: str
    found: str
    met: bool


def page(found: Findings, chart: str) -> str:
    parts = [
        _INTRODUCTION.format(chart=chart, rounds=found.rounds),
        *_section("Against the targets", _targets(found)),
        *_section("Creating panes", _created(found)),
        *_section("When 100 panes are there", _later(found)),
        *_section("Growing", _growing(found)),
        *_section("Starting", _start(found)),
        "## The machine\n",
        "\n".join(f"* {fact}" for fact in _facts(found)) + "\n",
    ]
    return "\n".join(parts)


_INTRODUCTION = """\
# How fast it is

This page is made by `python -m benchmarks --write`: do not edit it.

![Times to create panes, and how they grow]({chart})

* Every time is that of a whole process, from its start to its end, as a person at a terminal waits for it: the median of
  {rounds} rounds, and from the fastest to the slowest.
* In each round each tool has one turn. Ratios (`3.0 ×`: three times as long as orchestra) are taken within a round and then their
  median, so a machine that is busy for a while disturbs them little.
* A first round warms caches up and does not count; Python's compiled files are there, as after any installation.
* Every pane runs `sleep 100000`. Each tool makes its panes on a server that it has to start, without a configuration file.
* Raw tmux is one `tmux source-file` with nothing but the commands that make the panes. It is the floor, not an equal: it leaves
  nothing behind that tells whose a pane is, whether it still is as declared, or how its command ended.
* `orchestra apply` also looks, for a tenth of a second, whether what it started goes on running; with `--no-wait` it does not, and
  neither do the others.
* tmuxp starts the commands as tmux does (`shell:`), a little faster than its usual way, which types them. tmuxinator can only
  type, a session a call; it does not wait until what it typed has run.
"""


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}\n", "\n".join(lines) + "\n"] if lines else []


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _targets(found: Findings) -> list[str]:
    rows = [
        (each.what, each.wanted, each.found, "yes" if each.met else "**no**")
        for each in [*_create_targets(found), *_time_targets(found), *_growth_targets(found)]
    ]
    return _table(("", "target", "found", "met"), rows)


def _create_targets(found: Findings) -> Iterable[Target]:
    taken = found.created.get(scenarios.HUNDRED, {})
    if peers.TMUXP in taken:
        ratio = taken[peers.TMUXP].against(taken[peers.ORCHESTRA])
        yield Target(
            what="100 panes: faster than `tmuxp load -d`",
            wanted="≥ 5 ×",
            found=_times(ratio),
            met=ratio.median >= 5,
        )
    if peers.TMUX in taken:
        ratio = taken[peers.ORCHESTRA].against(taken[peers.TMUX])
        yield Target(
            what="100 panes: times raw tmux", wanted="≤ 3 ×", found=_times(ratio), met=ratio.median <= 3
        )


def _time_targets(found: Findings) -> Iterable[Target]:
    diff = found.later[scenarios.DIFF][peers.ORCHESTRA].wall
    yield Target(
        what="`diff` of 100 panes, nothing to do",
        wanted="≤ 0.35 s",
        found=_wall(diff),
        met=diff.median <= 0.35,
    )
    help_ = found.start[scenarios.HELP].wall
    yield Target(what=f"`{scenarios.HELP}`", wanted="≤ 0.1 s", found=_wall(help_), met=help_.median <= 0.1)


STRAIGHT = 1.5
"""More than that is not linear growth. tmux's own is not quite 1 either."""


def _growth_targets(found: Findings) -> Iterable[Target]:
    if not found.growing:
        return
    for deed, name in (("apply", peers.ORCHESTRA), ("diff", "diff")):
        first, second, third = (
            (what.total, taken[name].wall.median) for what, taken in found.growing.items()
        )
        early, late = _slope(first, second), _slope(second, third)
        yield Target(
            what=f"`{deed}`: what a further pane costs from 300 to 1,000, against from 100 to 300",
            wanted=f"≤ {STRAIGHT:g} ×",
            found=f"{late / early:.1f} × ({early * 1000:.1f} ms, then {late * 1000:.1f} ms)",
            met=late <= STRAIGHT * early,
        )


def _slope(one: tuple[int, float], two: tuple[int, float]) -> float:
    return (two[1] - one[1]) / (two[0] - one[0])


def _created(found: Findings) -> list[str]:
    names = [peers.ORCHESTRA, peers.NO_WAIT, *(peer.name for peer in found.peers)]
    head = ["", *(f"{what.total} panes<br>{what}" for what in found.created)]
    rows = [
        [_title(name), *(_cell(taken, name) for taken in found.created.values())]
        for name in names
        if any(name in taken for taken in found.created.values())
    ]
    return [*_table(head, rows), "", *_where_it_goes(found)]


def _where_it_goes(found: Findings) -> Iterable[str]:
    taken = found.created[scenarios.HUNDRED]
    whole, floor = (taken[name].wall.median for name in (peers.NO_WAIT, peers.TMUX))
    idle = found.later[scenarios.APPLY][peers.ORCHESTRA].wall.median
    yield (
        f"Of the {_seconds(whole)} s for {scenarios.HUNDRED.total} panes without waiting, {_seconds(idle)} s are what `apply` takes when"
        " there is"
        " nothing to do (starting Python, reading the manifest, looking at the server, planning)"
        f" and {_seconds(floor)} s what raw tmux takes. The other {_seconds(max(0.0, whole - idle - floor))} s are the wrapper that each"
        " pane's command runs under, to tell exactly how it ended and lose none of its output (it starts beside the server, on whatever"
        " CPU is free), and the mark and the record that each pane, window and session bears, so that the next plan knows whose they are."
    )


def _title(name: str) -> str:
    return f"**{name}**" if name == peers.ORCHESTRA else name


def _cell(taken: Taken, name: str) -> str:
    if name not in taken:
        return ""
    text = _wall(taken[name].wall)
    if name != peers.ORCHESTRA:
        text += f"<br>{_times(taken[name].against(taken[peers.ORCHESTRA]))}"
    return text


def _later(found: Findings) -> list[str]:
    rows = []
    for deed, taken in found.later.items():
        ours = taken[peers.ORCHESTRA]
        floor = _wall(taken[scenarios.FLOOR].wall) if scenarios.FLOOR in taken else ""
        rows.append((deed, _wall(ours.wall), f"{ours.cpu.median:.2f} s", floor))
    table = _table(("", "orchestra", "of it its own CPU", "raw tmux"), rows)
    return [
        *table,
        "",
        "Raw tmux reads the list of panes; respawns that one pane; kills the ten sessions, and does not look what became of the processes.",
    ]


def _growing(found: Findings) -> list[str]:
    rows = []
    for what, taken in found.growing.items():
        cells = [
            f"{_wall(taken[name].wall)}<br>{taken[name].wall.median / what.total * 1000:.1f} ms a pane"
            for name in (peers.ORCHESTRA, "diff", peers.TMUX)
        ]
        rows.append((f"{what.total} panes<br>{what}", *cells))
    return (
        _table(("", "orchestra apply", "orchestra diff, nothing to do", "raw tmux creates"), rows)
        if rows
        else []
    )


def _start(found: Findings) -> list[str]:
    calls = {peer.name: _call(peer) for peer in found.peers}
    rows = [(f"`{calls.get(name, name)}`", _wall(series.wall)) for name, series in found.start.items()]
    return _table(("", "time"), rows)


def _call(peer: peers.Peer) -> str:
    return (
        "python -c 'import libtmux'"
        if peer.name == peers.LIBTMUX
        else f"{_program(peer)} {peer.starting[-1]}"
    )


def _program(peer: peers.Peer) -> str:
    return os.path.basename(peer.starting[0])  # noqa: PTH119 - a word, not a path


def _facts(found: Findings) -> Iterable[str]:
    load = os.getloadavg()
    versions = ", ".join(f"{peer.name} ({peer.version})" for peer in found.peers)
    yield f"{os.cpu_count()} CPUs, {platform.system()}, Python {platform.python_version()}"
    if hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) != os.SCHED_OTHER:
        yield "with real-time priority, so that other work on the machine hardly counts"
    yield f"load average at the end: {load[0]:.1f} in the last minute, {load[2]:.1f} in the last 15"
    yield versions
    yield from found.notes


def _wall(spread: Spread) -> str:
    return f"{_seconds(spread.median)} s ({_seconds(spread.low)}–{_seconds(spread.high)})"


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _times(spread: Spread) -> str:
    return f"{spread.median:.1f} × ({spread.low:.1f}–{spread.high:.1f})"
