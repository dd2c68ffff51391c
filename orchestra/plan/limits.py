"""Which limits a pane has: those it was applied with, and before them what a person has set by hand on the live pane."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping

from orchestra.model import codec, rules, status
from orchestra.plan import record

NOTHING = rules.Limits()
KEYS = ("memory", "cpu", "processes", "output", "time", "on_exceed", "after")


def effective(pane: status.Pane) -> rules.Limits | None:
    """None when nothing is limited."""
    found = _effective(pane.record, pane.limits)
    return found if found is not None and limited(found) else None


@functools.lru_cache(maxsize=4096)
def _effective(text: str, hand: str) -> rules.Limits | None:
    known = record.parse_pane(text) if text else None
    return joined(known.pane.limits if known is not None else None, by_hand(hand))


def limited(limits: rules.Limits) -> bool:
    every = (limits.memory, limits.cpu, limits.processes, limits.output, limits.time)
    return any(each is not None for each in every)


def joined(applied: rules.Limits | None, hand: Mapping[str, object]) -> rules.Limits | None:
    """Null by hand: not limited, whatever was applied."""
    if not hand:
        return applied
    plain = {**codec.dump(applied or NOTHING), **hand}
    try:
        return codec.load(rules.Limits, {key: value for key, value in plain.items() if value is not None})
    except codec.LoadError:
        return applied


def by_hand(text: str) -> Mapping[str, object]:
    """Empty when there are none, or it is not ours to read."""
    if not text:
        return {}
    try:
        plain = json.loads(text)
        codec.load(rules.Limits, {key: value for key, value in plain.items() if value is not None})
    except (ValueError, RecursionError, AttributeError):
        return {}
    return {key: value for key, value in plain.items() if key in KEYS}


def hand_text(hand: Mapping[str, object]) -> str:
    """ "" when nothing is left."""
    return record.text(dict(hand)) if hand else ""
