"""Findings as an SVG: bars of times to create panes, and how they grow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks import peers
from benchmarks.scenarios import Findings

WIDTH = 760
LEFT, RIGHT = 140, 170
BAR, GAP, PANEL = 14, 6, 34
PLOT = 200
"""Height of the curves."""
OURS, OTHER, FLOOR = "ours", "other", "floor"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    label: str
    tone: str
    low: float
    middle: float
    high: float


def draw(found: Findings) -> str:
    lines: list[str] = []
    top = 10.0
    for what, taken in found.created.items():
        bars = [
            _Bar(
                label=name,
                tone=_tone(name),
                low=series.wall.low,
                middle=series.wall.median,
                high=series.wall.high,
            )
            for name, series in taken.items()
        ]
        lines += _bars(f"create {what.total} panes: {what}", bars, top)
        top += PANEL + len(bars) * (BAR + GAP)
    if found.growing:
        lines += _curves(found, top)
        top += PLOT + 2 * PANEL
    return _document(lines, top)


def _tone(name: str) -> str:
    return {peers.ORCHESTRA: OURS, peers.NO_WAIT: OURS, peers.TMUX: FLOOR}.get(name, OTHER)


def _bars(title: str, bars: Sequence[_Bar], top: float) -> Iterable[str]:
    scale = (WIDTH - LEFT - RIGHT) / max(bar.high for bar in bars)
    yield _text(LEFT, top + 14, title, "title")
    for number, bar in enumerate(bars):
        y = top + 22 + number * (BAR + GAP)
        middle = y + BAR / 2
        low, high = (LEFT + value * scale for value in (bar.low, bar.high))
        yield _text(LEFT - 8, y + BAR - 3, bar.label, "end")
        yield f'<rect x="{LEFT}" y="{y:.1f}" width="{bar.middle * scale:.1f}" height="{BAR}" class="{bar.tone}"/>'
        yield f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}" class="range"/>'
        yield _text(high + 8, y + BAR - 3, f"{bar.middle:.2f} s")


def _curves(found: Findings, top: float) -> Iterable[str]:
    """Through the origin a straight line is linear growth."""
    most = max(what.total for what in found.growing)
    slowest = max(taken[peers.ORCHESTRA].wall.median for taken in found.growing.values())
    across, up = (WIDTH - LEFT - RIGHT) / most, PLOT / slowest
    base = top + PANEL + PLOT
    yield _text(LEFT, top + 14, "growing: the median by the number of panes", "title")
    yield f'<path d="M{LEFT} {base - PLOT:.1f}V{base:.1f}H{WIDTH - RIGHT}" class="axis"/>'
    for what in found.growing:
        x = LEFT + what.total * across
        yield f'<path d="M{x:.1f} {base:.1f}v4" class="axis"/>'
        yield _text(x, base + 18, f"{what.total:,}", "middle")
    for name, label, tone in (
        (peers.ORCHESTRA, "apply", OURS),
        (peers.TMUX, "raw tmux", FLOOR),
        ("diff", "diff, nothing to do", OURS),
    ):
        points = [
            (LEFT + what.total * across, base - taken[name].wall.median * up)
            for what, taken in found.growing.items()
        ]
        yield f'<path d="M{" ".join(f"{x:.1f} {y:.1f}" for x, y in points)}" class="line {tone}"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="{tone}"/>' for x, y in points)
        last = list(found.growing.values())[-1][name].wall.median
        x, y = points[-1]
        yield _text(x + 8, y + 4, f"{label}: {last:.2f} s")


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}">{escape(text)}</text>'


_STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.end { text-anchor: end }
.middle { text-anchor: middle }
.ours { fill: #1a7f37; stroke: #1a7f37 }
.other { fill: #8c959f; stroke: #8c959f }
.floor { fill: #54aeff; stroke: #54aeff }
rect { stroke: none !important }
.line { fill: none; stroke-width: 2 }
.range, .axis { fill: none; stroke: #57606a }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .range, .axis { stroke: #9198a1 } }"""


def _document(lines: Iterable[str], height: float) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}"'
        f' width="{WIDTH}" height="{height:.0f}" role="img" aria-label="Times to create panes">'
    )
    return "\n".join([head, "<style>", _STYLE, "</style>", *lines, "</svg>"]) + "\n"
