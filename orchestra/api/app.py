"""The routes. The one place where errors become HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import fastapi
from fastapi import responses

from orchestra.api import control, metrics, stream
from orchestra.model import codec, errors, event
from orchestra.plan import overview

CODES: Mapping[type[errors.OrchestraError], int] = {
    errors.UsageError: 400,
    errors.Conflict: 409,
    errors.TmuxUnavailable: 503,
}
"""The first that fits; 422 for what is wrong in a manifest, and all else."""


def create(asked: control.Control, version: str) -> fastapi.FastAPI:
    app = fastapi.FastAPI(title="orchestra", version=version, openapi_url="/v1/openapi.json", docs_url=None)

    @app.exception_handler(errors.OrchestraError)
    async def failed(_: fastapi.Request, error: Exception) -> responses.JSONResponse:
        assert isinstance(error, errors.OrchestraError)
        code = next((code for kind, code in CODES.items() if isinstance(error, kind)), 422)
        return responses.JSONResponse(problem(error), status_code=code)

    @app.get("/v1/health")
    async def health() -> dict[str, Any]:
        """Whether it works: `ok`, or `degraded` with reasons."""
        told = asked.describe()
        reasons = [str(each) for each in told["troubles"]]
        return {"status": "degraded" if reasons else "ok", "reasons": reasons}

    @app.get("/v1/status")
    async def status() -> Mapping[str, Any]:
        return asked.describe()

    @app.get("/v1/workspaces")
    async def workspaces() -> dict[str, Any]:
        """Those on the tmux server now, with their sessions, windows and panes."""
        found = overview.workspaces(await asked.server())
        told = asked.health()
        return {"workspaces": [_with_health(codec.dump(each), told) for each in found]}

    @app.get("/v1/panes")
    async def panes() -> Mapping[str, Any]:
        """How healthy panes and sessions are, why, and since when; how often they were started again, and whether they were given up."""
        return asked.health()

    @app.post("/v1/plan")
    async def plan(request: Annotated[dict[str, Any], fastapi.Body()]) -> Mapping[str, Any]:
        """What an apply of a manifest would do: `{"manifest": "/path.yaml", "env": …, "variables": {…}, "prune": true, "adopt": false}`."""
        return await asked.plan(request)

    @app.post("/v1/apply")
    async def apply(request: Annotated[dict[str, Any], fastapi.Body()]) -> responses.StreamingResponse:
        """Does it; `"yes": true` lets it stop what runs. Answers with `progress` and one `result`."""

        async def told() -> AsyncIterator[str]:
            try:
                async for name, what in asked.apply(request):
                    yield stream.message(name, what)
            except errors.OrchestraError as error:
                yield stream.message("error", problem(error))

        return _stream(told())

    @app.get("/v1/events")
    async def events(
        request: fastapi.Request,
        after: int | None = None,
        follow: bool = False,
        type: Annotated[list[str] | None, fastapi.Query()] = None,
        workspace: str = "",
        address: Annotated[list[str] | None, fastapi.Query()] = None,
        since: float | None = None,
        limit: Annotated[int | None, fastapi.Query(ge=1)] = None,
        newest: Annotated[int | None, fastapi.Query(ge=1)] = None,
    ) -> responses.StreamingResponse:
        """Events after a sequence number (0: all that are kept; left out: only what comes), oldest first. `Last-Event-ID` works as well.

        `pane.output` comes only to who asks for that type by its name.
        """
        last = request.headers.get("last-event-id", "")
        cursor = int(last) if last.isdecimal() else after
        wanted = stream.Wanted(
            types=tuple(type or ()), workspace=workspace, addresses=tuple(address or ()),
            since=None if since is None else datetime.fromtimestamp(since, UTC),
        )  # fmt: skip
        return _stream(
            stream.events(
                asked.bus, asked.journal, wanted, cursor=cursor, follow=follow, limit=limit, newest=newest
            )
        )

    @app.post("/v1/events")
    async def report(request: Annotated[dict[str, Any], fastapi.Body()]) -> dict[str, Any]:
        """What a command did by itself: `apply.*` only."""
        bodies = []
        for plain in request.get("events", ()):
            kind = event.BODIES.get(str(plain.get("type")))
            if kind not in (event.ApplyStarted, event.ApplyFinished):
                raise errors.UsageError(f"events of type {plain.get('type')} are not anyone's to report")
            try:
                bodies.append(event.load_body(kind, plain))
            except codec.LoadError as error:
                raise errors.UsageError(f"not an event: {error}") from error
        await asked.report(bodies, str(request.get("workspace", "")))
        return {"status": "success"}

    @app.get("/v1/logs")
    async def logs(
        address: str,
        tail: Annotated[int | None, fastapi.Query(ge=0)] = None,
        since: float | None = None,
        follow: bool = False,
    ) -> responses.StreamingResponse:
        """What a pane printed, in clean lines; `since` is Unix time."""

        async def told() -> AsyncIterator[str]:
            async for piece in asked.logs(address, tail=tail, since=since, follow=follow):
                yield stream.message("lines", piece)

        return _stream(told())

    @app.get("/v1/schedules")
    async def schedules(next: Annotated[int, fastapi.Query(ge=0, le=1000)] = 1) -> dict[str, Any]:
        """Those that stand on the tmux server, each with its next times."""
        return {"schedules": list(asked.schedules(next))}

    @app.post("/v1/schedules/{workspace}/{name}/{verb}")
    async def schedule(workspace: str, name: str, verb: str) -> dict[str, Any]:
        """`run` it now, `pause` or `resume` it."""
        return {"status": "success", **await asked.schedule(verb, workspace, name)}

    @app.post("/v1/gc")
    async def gc(request: Annotated[dict[str, Any], fastapi.Body()]) -> Mapping[str, Any]:
        """Collects what may go now: `{"workspace": "", "force": false, "dry_run": false}`; `{"wake": true}` looks what is wished."""
        return await asked.collect(request)

    @app.post("/v1/autosave")
    async def autosave() -> dict[str, Any]:
        """Looks anew what snapshots are wished for."""
        asked.autosave()
        return {"status": "success"}

    @app.get("/v1/triggers/failed")
    async def failed_runs() -> dict[str, Any]:
        """Runs of triggers that failed for good, the newest last."""
        return {"runs": list(asked.failed_runs())}

    @app.post("/v1/triggers/replay")
    async def replay(request: Annotated[dict[str, Any], fastapi.Body()]) -> dict[str, Any]:
        """Does them again, or forgets them: `{"runs": ["…"], "forget": false}`; without `runs` all."""
        ids = request.get("runs") or []
        if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
            raise errors.UsageError("runs: a list of texts is needed")
        return {"runs": list(await asked.replay(ids, forget=request.get("forget") is True))}

    @app.post("/v1/look")
    async def look() -> dict[str, Any]:
        """Looks at the tmux server now, and answers when what it found is in force."""
        await asked.look()
        return {"status": "success"}

    @app.post("/v1/stop")
    async def stop() -> dict[str, Any]:
        asked.stop()
        return {"status": "success"}

    app.include_router(metrics.routes(asked))
    return app


def problem(error: errors.OrchestraError) -> dict[str, Any]:
    return {
        "status": "error",
        "message": str(error),
        "diagnostics": [codec.dump(each) for each in error.diagnostics],
    }


def _with_health(workspace: dict[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    for session in workspace["sessions"]:
        session["health"] = told["sessions"].get(workspace["name"], {}).get(session["address"])
        for window in session["windows"]:
            for pane in window["panes"]:
                pane["health"] = told["panes"].get(pane["id"])
    return workspace


def _stream(told: AsyncIterator[str]) -> responses.StreamingResponse:
    return responses.StreamingResponse(
        told, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )
