"""What panes use: the latest, an hour before, and the same as Prometheus reads it."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Annotated, Any

import fastapi
from fastapi import responses

from orchestra.api import control, exposition
from orchestra.model import codec, errors, metrics

SCRAPED = 5.0
"""Seconds a figure that Prometheus is given may be old."""


def routes(asked: control.Control) -> fastapi.APIRouter:
    router = fastapi.APIRouter()

    @router.get("/v1/metrics")
    async def latest(
        max_age: Annotated[float, fastapi.Query(ge=0)] = 2.0,
        pss: bool = False,
        recent: Annotated[int, fastapi.Query(ge=0, le=360)] = 0,
    ) -> dict[str, Any]:
        """Every pane of the tmux server, whoever made it. Seconds and bytes; cpu_percent is of one core, over `interval`. `recent`: also
        the processor's share at so many points of the history, by pane id."""
        found = await asked.metrics.reading(max_age, pss=pss)
        known = asked.health()["panes"]
        rows = [
            dataclasses.replace(row, health=str(known[row.pane.id]["health"]))
            if row.pane.id in known
            else row
            for row in found.rows
        ]
        told = {"time": found.time, "panes": [metrics.dump(row) for row in rows]}
        return {**told, "recent": asked.metrics.recent(recent)} if recent else told

    @router.get("/v1/metrics/history")
    async def history(
        pane: str, seconds: Annotated[float, fastapi.Query(gt=0, le=3650 * 86400)] = 3600.0
    ) -> dict[str, Any]:
        """Of one pane, by its id or its address."""
        known = [each for each in asked.metrics.panes if pane in (each.id, each.address)]
        if not known:
            raise errors.UsageError(f"there is no pane {pane} on this tmux server")
        points = await asked.metrics.history(known[0].key, timedelta(seconds=seconds))
        return {"pane": codec.dump(known[0]), "points": [codec.dump(point) for point in points]}

    @router.get("/metrics")
    async def scraped() -> responses.PlainTextResponse:
        """For Prometheus."""
        text, kind = exposition.text(await asked.metrics.reading(SCRAPED), asked.describe())
        return responses.PlainTextResponse(text, media_type=kind)

    return router
