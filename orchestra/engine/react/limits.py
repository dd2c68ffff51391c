"""What a pane uses against what it may use, and what is done about it. Pure: `limiting.py` measures and acts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from orchestra.model import rules
from orchestra.model.frozen import frozen


class Kind(StrEnum):
    MEMORY = "memory"
    CPU = "cpu"
    PROCESSES = "processes"
    OUTPUT = "output"
    TIME = "time"


Figures = Mapping[Kind, float]
"""In the units of `rules.Limits`; time in seconds. What is not known is left out."""

WILD = 2.0
"""So many times the processes it may have are no longer counted three times: they may double while we look."""
CALM = 10
"""So many times in a row what was throttled has to be seen below its limit: most of it begins again as soon as it may."""
SLOWEST = 0.05
"""The least of a time that a throttled pane is let run."""
ENDING = (rules.Breach.RESTART, rules.Breach.STOP, rules.Breach.KILL)
_BRAKED = (Kind.CPU, Kind.OUTPUT)
"""What running less makes less."""


@frozen
class Exceeded:
    kind: Kind
    value: float
    allowed: float
    action: rules.Breach


@frozen
class Past:
    """Of one pane. What was told and what is owed outlives the daemon; the rest is seen again."""

    pid: int
    told: Mapping[str, str] = field(default_factory=dict)
    """Limits that it was told to be over -> what was done."""
    owed: str = ""
    """What is to be done to this process and is not done yet, as `rules.Breach`."""
    wild: bool = False
    """And at once: there is no time to ask."""
    why: str = ""
    over: Mapping[str, int] = field(default_factory=dict)
    """How often in a row it was seen above each limit that was not told."""
    under: Mapping[str, int] = field(default_factory=dict)
    """And not above those that were."""
    share: float = 1.0
    """Of the time that it is let run."""


@frozen
class Verdict:
    past: Past
    exceeded: tuple[Exceeded, ...] = ()
    kept: tuple[Kind, ...] = ()


def allowed(limits: rules.Limits) -> dict[Kind, float]:
    every = {
        Kind.MEMORY: limits.memory,
        Kind.CPU: limits.cpu,
        Kind.PROCESSES: limits.processes,
        Kind.OUTPUT: limits.output,
        Kind.TIME: limits.time.total_seconds() if limits.time is not None else None,
    }
    return {kind: float(value) for kind, value in every.items() if value is not None}


def decide(limits: rules.Limits, figures: Figures, past: Past) -> Verdict:
    """One sample more. `past` is of the process that the figures are of; what it owes already is not decided again."""
    if past.owed:
        return Verdict(past=past)
    most = allowed(limits)
    over = {kind: count for kind, count in past.over.items() if kind in most}
    under = {kind: count for kind, count in past.under.items() if kind in most}
    told = dict(past.told)
    exceeded: list[Exceeded] = []
    kept: list[Kind] = []
    share = _share(most, figures, past) if _throttles(limits, past) else 1.0
    for kind in Kind:
        if kind not in most:
            if told.pop(kind, None) is not None:
                kept.append(kind)
            continue
        if kind not in figures:
            continue
        value, most_of_it = figures[kind], most[kind]
        if kind in told:
            # Held down is not kept: it is when it would be, let run.
            held = told[kind] == rules.Breach.THROTTLE and kind in _BRAKED and share < 1
            under[kind] = under.get(kind, 0) + 1 if value <= most_of_it and not held else 0
            if under[kind] >= max(limits.after, CALM if told[kind] == rules.Breach.THROTTLE else 1):
                del told[kind], under[kind]
                kept.append(kind)
            elif told[kind] != limits.on_exceed:
                del told[kind]  # another thing is to be done about it by now
            continue
        over[kind] = over.get(kind, 0) + 1 if value > most_of_it else 0
        if over[kind] >= (
            1 if kind is Kind.TIME or _is_wild(kind, value, most_of_it, limits) else limits.after
        ):
            del over[kind]
            told[kind] = limits.on_exceed
            exceeded.append(Exceeded(kind=kind, value=value, allowed=most_of_it, action=limits.on_exceed))
    ends = limits.on_exceed in ENDING and bool(exceeded)
    if exceeded and limits.on_exceed is rules.Breach.THROTTLE:
        share = _share(most, figures, dataclasses.replace(past, told=told))
    return Verdict(
        past=dataclasses.replace(
            past,
            told=told,
            over={kind: count for kind, count in over.items() if count},
            under={kind: count for kind, count in under.items() if kind in told and count},
            share=share,
            owed=limits.on_exceed if ends else "",
            wild=ends and any(_is_wild(each.kind, each.value, each.allowed, limits) for each in exceeded),
            why=said(exceeded[0]) if ends else "",
        ),
        exceeded=tuple(exceeded),
        kept=tuple(kept),
    )


def _is_wild(kind: Kind, value: float, most: float, limits: rules.Limits) -> bool:
    return kind is Kind.PROCESSES and limits.on_exceed in ENDING and value > WILD * most


def _throttles(limits: rules.Limits, past: Past) -> bool:
    return limits.on_exceed is rules.Breach.THROTTLE and any(kind in past.told for kind in _BRAKED)


def _share(most: Mapping[Kind, float], figures: Figures, past: Past) -> float:
    """What it takes to come down to the limit, or what it may have again, going half of the way at a time when that is up."""
    shares = [
        past.share * most[kind] / max(figures[kind], 1e-9)
        for kind in _BRAKED
        if kind in past.told and kind in most and kind in figures
    ]
    wanted = min(shares, default=1.0)
    if wanted > past.share:
        wanted = min(wanted, past.share * 1.5)
    return min(1.0, max(SLOWEST, wanted))


def nearness(limits: rules.Limits, figures: Figures) -> float:
    """Of what it may have, how much it has: of what it is nearest to. Time is known in advance and does not count."""
    most = allowed(limits)
    return max(
        (
            value / max(most[kind], 1e-9)
            for kind, value in figures.items()
            if kind in most and kind is not Kind.TIME
        ),
        default=0.0,
    )


FAR, NEAR, CLOSE, HOT = 30.0, 3.0, 1.0, 0.5
"""Seconds until the next look, by nearness. The system counts a processor's time in hundredths, so sooner would tell nothing."""


def interval(nearest: float, *, is_counting: bool) -> float:
    """`is_counting`: something is above a limit, or held down."""
    if is_counting or nearest > 1:
        return HOT
    return CLOSE if nearest >= 0.8 else NEAR if nearest >= 0.5 else FAR


@frozen
class Cues:
    """Of the whole machine, read in microseconds. No pane can have come over a limit unless the machine moved as much."""

    tasks: int
    """Threads."""
    memory: int
    """Bytes that processes have in memory."""
    busy: float
    """Seconds that processors were busy, all together."""
    at: float


@frozen
class Room:
    """The least that any pane may have more before it is over a limit; None where none has such a limit."""

    processes: float | None = None
    memory: float | None = None
    cpu: float | None = None
    """Percent of a core, above what all of them together took."""


def room(panes: Mapping[str, tuple[rules.Limits, Figures]]) -> Room:
    least: dict[Kind, float] = {}
    for limits, figures in panes.values():
        for kind, most in allowed(limits).items():
            left = max(most - figures.get(kind, 0.0), 0.0)
            least[kind] = min(left, least.get(kind, left))
    return Room(processes=least.get(Kind.PROCESSES), memory=least.get(Kind.MEMORY), cpu=least.get(Kind.CPU))


def stirred(room: Room, sampled: Cues, now: Cues) -> bool:
    """Whether a pane may be over a limit, that was not when it was sampled."""
    if room.processes is not None and now.tasks - sampled.tasks > room.processes:
        return True
    return bool(room.memory is not None and now.memory - sampled.memory > room.memory)


def lowest(sampled: Cues, now: Cues) -> Cues:
    """What the next cues are compared with: what others gave back in between must not hide what a pane takes."""
    return dataclasses.replace(
        sampled, tasks=min(sampled.tasks, now.tasks), memory=min(sampled.memory, now.memory)
    )


def busier(room: Room, level: float, before: Cues, now: Cues) -> tuple[bool, float]:
    """Whether the machine works by so much more than it did that a pane may be over its limit of processor time, and the level that
    this is seen from. `level`: percent of a core, the least since it was last looked. A machine that works always stirs nobody."""
    passed = now.at - before.at
    if room.cpu is None or passed <= 0:
        return False, level
    rate = 100 * (now.busy - before.busy) / passed
    return (True, rate) if rate > level + room.cpu else (False, min(level, rate))


_UNITS = (("G", 1024**3), ("M", 1024**2), ("K", 1024))


def said(what: Exceeded) -> str:
    return f"{what.kind}: {shown(what.kind, what.value)} of {shown(what.kind, what.allowed)}"


def shown(kind: Kind | str, value: float) -> str:
    match kind:
        case Kind.MEMORY | Kind.OUTPUT:
            text = next(
                (f"{value / size:.3g}{unit}" for unit, size in _UNITS if value >= size), f"{value:.0f}"
            )
            return text + ("/s" if kind == Kind.OUTPUT else "")
        case Kind.CPU:
            return f"{value:.0f}%"
        case Kind.TIME:
            return f"{value:.3g}s" if value < 1000 else f"{value:.0f}s"
        case _:
            return f"{value:.0f}"
