"""Contestants in turns, A B C A B C …: what disturbs the machine disturbs all of them, so that ratios within a round hold."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.stage import Failed, Run, Stage


def nothing() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    name: str
    argv: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    codes: Sequence[int] = (0,)
    before: Callable[[], None] = nothing
    """Not timed, before each run."""
    after: Callable[[], None] = nothing
    """Not timed: raises when the work was not done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    median: float
    low: float
    high: float


@dataclass(slots=True, kw_only=True)
class Series:
    """A contestant's runs, one a round."""

    runs: list[Run] = field(default_factory=list)

    @property
    def wall(self) -> Spread:
        return _spread([run.wall for run in self.runs])

    @property
    def cpu(self) -> Spread:
        return _spread([run.cpu for run in self.runs])

    def against(self, other: Series) -> Spread:
        """How many times as long as `other`, round by round."""
        pairs = zip(self.runs, other.runs, strict=True)
        return _spread([mine.wall / theirs.wall for mine, theirs in pairs])


def _spread(values: Sequence[float]) -> Spread:
    return Spread(median=statistics.median(values), low=min(values), high=max(values))


def take(
    stage: Stage, contestants: Sequence[Contestant], rounds: int, say: Callable[[str], None]
) -> dict[str, Series]:
    """One round more than `rounds`: the first warms caches up and does not count. Each round begins with another contestant.

    A peer that fails is told, and left out from there on: three hundred panes are more than some can do."""
    found = {each.name: Series() for each in contestants}
    for number in range(rounds + 1):
        shift = number % len(contestants)
        for each in (*contestants[shift:], *contestants[:shift]):
            if each.name not in found:
                continue
            each.before()
            try:
                run = stage.run(each.argv, each.environ, each.codes)
                each.after()
            except Failed as failed:
                if each.name.startswith("orchestra"):
                    raise
                say(f"  {each.name}: it failed: {str(failed).splitlines()[-1]}")
                del found[each.name]
                continue
            if number:
                found[each.name].runs.append(run)
    for name, series in found.items():
        wall = series.wall
        say(
            f"  {name}: {wall.median:.3f} s ({wall.low:.3f}–{wall.high:.3f}), own CPU {series.cpu.median:.3f} s"
        )
    return found
