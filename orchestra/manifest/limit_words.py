"""Limits as words of a command line: `memory=512M cpu=50% on_exceed=kill`, in the manifest's spelling; `none` lifts one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from orchestra.manifest import duration, rules
from orchestra.model import errors
from orchestra.model import rules as model

KINDS = ("memory", "cpu", "processes", "output", "time")
KEYS = (*KINDS, "on_exceed", "after")
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([KMGT]?)")
_PERCENT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)%?")
_EXAMPLES = {
    "memory": "512M",
    "cpu": "50%",
    "processes": "64",
    "output": "1M",
    "time": "2h",
    "on_exceed": "kill",
    "after": "3",
}


def parsed(words: Iterable[str]) -> dict[str, object]:
    """As `plan.limits.by_hand` reads them. `UsageError` for what is none."""
    found: dict[str, object] = {}
    for each in words:
        key, equals, text = each.partition("=")
        key = key.replace("-", "_")
        if not equals or key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            hint = (
                f"did you mean {near[0]}={text or _EXAMPLES[near[0]]}?"
                if near
                else f"there are {', '.join(KEYS)}"
            )
            raise errors.UsageError(f"{each} is no limit", hint=hint)
        if text == "none":
            found[key] = None
            continue
        value = _value(key, text)
        if value is None:
            raise errors.UsageError(
                f"{key} cannot be {text or 'empty'}",
                hint=f"say it as {key}={_EXAMPLES[key]}, or {key}=none to lift it",
            )
        found[key] = value
    return found


def _value(key: str, text: str) -> object:
    """None when it cannot be."""
    match key:
        case "memory" | "output":
            size = _SIZE.fullmatch(text)
            whole = int(float(size[1]) * rules.SIZES.get(size[2], 1)) if size is not None else 0
            return whole or None
        case "cpu":
            percent = _PERCENT.fullmatch(text)
            return float(percent[1]) or None if percent is not None else None
        case "processes" | "after":
            return (int(text) or None) if text.isdecimal() and len(text) < 10 else None
        case "time":
            try:
                length = duration.parsed(text)
            except duration.TooLong:
                return None
            return length.total_seconds() or None if length is not None else None
        case _:
            return text if text in {str(each) for each in model.Breach} else None
