"""Draws docs/reference/health.md from the table: `python -m tests.support.health_reference` writes it, a test compares."""

from __future__ import annotations

from pathlib import Path

from orchestra.engine.react import health
from orchestra.model import status
from tests.support import event_schema

PAGE = Path(__file__).parents[2] / "docs/reference/health.md"
INTRODUCTION = """\
# How healthy something is

<!-- Drawn from the table in orchestra/engine/react/health.py by `make docs`. -->

A pane is `healthy`, `degraded`, `unhealthy` or `unknown`. What is not measured is unknown, never healthy. How to use it:
[know whether it works](../how-to/health.md).

| what is told of it | it was unknown | healthy | degraded | unhealthy |
|---|---|---|---|---|
"""
END = """
What is told:

"""
AFTER = """
A session, and a group, is as healthy as its worst pane, in this order: {order}.
What has completed is not counted; where nothing else is in it, it is unknown.

While a pane starts it is tried more often than every `interval`; failures count once an interval, and not before `start_period` is over.
The first success ends `start_period`.
"""


def page() -> str:
    rows = [
        f"| {sign} | " + " | ".join(_cell(before, sign) for before in health.BEFORE) + " |"
        for sign in health.Sign
    ]
    told = event_schema.docstrings(health.Sign)
    signs = [f"* **{sign}**: {_low(told[sign.name])}" for sign in health.Sign]
    order = ", ".join(status.Health)
    return INTRODUCTION + "\n".join(rows) + "\n" + END + "\n".join(signs) + "\n" + AFTER.format(order=order)


def _cell(before: status.Health, sign: health.Sign) -> str:
    after = health.TABLE[before, sign]
    return "as it was" if after is before else f"**{after}**"


def _low(text: str) -> str:
    return text[0].lower() + text[1:]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
