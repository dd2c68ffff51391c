from datetime import timedelta

import pytest

from orchestra.manifest import duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("300ms", 0.3),
        ("10s", 10),
        ("5m", 300),
        ("2h", 7200),
        ("7d", 604800),
        ("1h30m", 5400),
        ("0.5s", 0.5),
        ("0s", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration.parsed(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "10", "-1s", "1 s", "1w", "s", "1.2.3s", "1s\n", "٣s", "1e3s"])
def test_what_is_no_duration(text: str) -> None:
    assert duration.parsed(text) is None


def test_nobody_waits_that_long() -> None:
    with pytest.raises(duration.TooLong):
        duration.parsed("999999999d")
