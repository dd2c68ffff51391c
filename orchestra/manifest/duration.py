"""`300ms`, `10s`, `5m`, `2h`, `7d` and `1h30m` as time deltas."""

from __future__ import annotations

import re
from datetime import timedelta

PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = timedelta(days=3650)


class TooLong(ValueError):
    """Longer than anybody waits; also what keeps sums within what the clock can hold."""


def parsed(text: str) -> timedelta | None:
    """None: not a duration."""
    if PART.sub("", text) or not text:
        return None
    seconds = sum(float(number) * SECONDS[unit] for number, unit in PART.findall(text))
    if seconds > LONGEST.total_seconds():
        raise TooLong
    return timedelta(seconds=seconds)
