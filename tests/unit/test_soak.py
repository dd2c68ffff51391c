"""What `make soak` takes for growth."""

from __future__ import annotations

import random

import pytest

from benchmarks import soak


def samples(hourly: float, *, jumps: int = 0, warm: int = 30_000) -> list[soak.Sample]:
    """Half an hour: a climb at the start, `hourly` kilobytes more an hour after it, and what an allocator adds: plateaus, peaks."""
    dice = random.Random(7)
    made, extra = [], 0
    for each in range(soak.SAMPLES):
        if each % 10 == 0:
            extra = dice.randint(-jumps, jumps)
        at = each * 1800 / soak.SAMPLES
        peak = 40_000 if each % 25 == 24 else 0
        memory = 70_000 + min(each / 20, 1) * warm + hourly * at / 3600 + extra + peak
        made.append(soak.Sample(at=at, memory=round(memory), descriptors=70 + dice.randint(-8, 8)))
    return made


@pytest.mark.parametrize(
    ("hourly", "jumps", "flat"),
    [(0, 0, True), (0, 2_000, True), (-10_000, 2_000, True), (20_000, 2_000, False), (40_000, 0, False)],
)
def test_growth_is_found_and_noise_is_none(hourly: float, jumps: int, flat: bool) -> None:
    assert soak.judge(samples(hourly, jumps=jumps)).flat is flat


def test_descriptors_that_are_left_open_are_growth() -> None:
    leaking = [
        soak.Sample(at=each.at, memory=each.memory, descriptors=each.descriptors + number // 4)
        for number, each in enumerate(samples(0))
    ]
    assert soak.judge(samples(0)).flat
    assert not soak.judge(leaking).flat
