"""An event on one line, as a person reads it. As JSON it is exact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from orchestra.cli import output

_BARE = ("sequence", "time", "type", "workspace", "address", "cause")
_LENGTHS = ("duration", "delay")
"""Fields that are seconds."""
_AMOUNTS = {"limit.exceeded": ("limit", ("value", "allowed")), "pane.metric": ("metric", ("value", "bound"))}
"""Type → the field that says of what, and the fields that say how much."""


def line(told: Mapping[str, Any]) -> str:
    """`told` as `event.dump` gives it."""
    name = told.get("address") or told.get("id", "")
    rest = {key: value for key, value in told.items() if key not in _BARE and value not in (None, "", {}, [])}
    if told.get("address"):
        rest.pop("id", None)
    if not rest.get("left_out"):
        rest.pop("left_out", None)
    amounts = _amounts(told)
    said = "  ".join(f"{key}={amounts.get(key) or _value(key, value)}" for key, value in rest.items())
    return f"{when(told)}  {told['type']:<22} {name:<20} {said}".rstrip()


def when(told: Mapping[str, Any]) -> str:
    local = datetime.fromisoformat(told["time"]).astimezone()
    today = local.date() == datetime.now(UTC).astimezone().date()  # noqa: TID251 - shown to a person
    return local.strftime("%H:%M:%S.%f" if today else "%Y-%m-%d %H:%M:%S.%f")[:-3]


def _amounts(told: Mapping[str, Any]) -> dict[str, str]:
    if told["type"] not in _AMOUNTS:
        return {}
    from orchestra.engine.react import limits  # few events have any

    of_what, keys = _AMOUNTS[told["type"]]
    kind = "output" if told[of_what] == "io" else told[of_what]  # both are bytes a second
    return {key: limits.shown(kind, told[key]) for key in keys}


def _value(key: str, value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {each}" for name, each in value.items()) + "}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key in _LENGTHS and isinstance(value, int | float):
        return _length(value)
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return str(value)


def _length(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    return f"{round(seconds, 2):g}s" if seconds < 60 else output.wished(round(seconds))
