from __future__ import annotations

from datetime import timedelta

from orchestra.host import clock


def test_now_has_its_zone() -> None:
    assert clock.Clock().now().utcoffset() == timedelta(0)


def test_monotonic_never_goes_back() -> None:
    here = clock.Clock()
    assert here.monotonic() <= here.monotonic()
