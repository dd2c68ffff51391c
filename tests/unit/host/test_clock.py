from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestra.host import clock


def test_now_has_its_zone() -> None:
    assert clock.Clock().now().utcoffset() == timedelta(0)


def test_monotonic_never_goes_back() -> None:
    here = clock.Clock()
    assert here.monotonic() <= here.monotonic()


class Stepped(clock.Clock):
    """Both of its times are what a test says."""

    lived = 0.0
    told = datetime(2026, 5, 4, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.lived

    def now(self) -> datetime:
        return self.told


@pytest.mark.parametrize(
    ("lived", "told", "steady"),
    [
        (3600, 3600, True),
        (3600, 3599.5, True),
        (3600, 3600 + 86400 * 365, False),
        (3600, -3600, False),
        (10, 8 * 3600, False),
    ],
)
def test_a_clock_that_was_set_is_noticed_once(lived: float, told: float, steady: bool) -> None:
    here = Stepped()
    asked = clock.Steady(here)
    assert asked.went_on()
    here.lived, here.told = here.lived + lived, here.told + timedelta(seconds=told)
    assert asked.went_on() is steady
    here.lived, here.told = here.lived + 3600, here.told + timedelta(hours=1)
    assert asked.went_on()
