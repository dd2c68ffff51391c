"""How healthy panes are, for the commands that show or await it: the daemon's word where one runs, else what one look can tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchestra.model import status, verdicts
from orchestra.model.frozen import frozen

if TYPE_CHECKING:  # see options
    from orchestra.cli import client, options
    from orchestra.daemon import assemble

UNMEASURED = "no daemon measures it"


@frozen
class Told:
    """Of one pane."""

    verdict: verdicts.Verdict
    pid: int = 0
    ended_because: str = ""
    """Why the daemon had it ended; "" when it had not."""
    restarts: int = 0
    """In the time in which they are counted."""
    restarts_in: timedelta | None = None
    given_up: str = ""
    """Why it is not started again any more."""
    restarts_once: str = ""
    """Once what is so it is restarted, because what it depends on was."""
    over_limits: str = ""
    """Which, and how far it is held down for that."""


@frozen
class Report:
    panes: Mapping[str, Told]
    """By tmux's id."""
    sessions: Mapping[tuple[str, str], verdicts.Verdict]
    """By workspace and name."""
    measured: bool
    """By a daemon."""
    last: int = 0
    """The event before which it was so."""


def report(there: client.Client | None, server: status.Server) -> Report:
    return at_sight(server) if there is None else read(there.get("/v1/panes"))


def reported(common: options.Common, server: status.Server) -> Report:
    return report(common.daemon(), server)


def read(plain: Mapping[str, Any]) -> Report:
    return Report(
        panes={
            id_: Told(
                verdict=_verdict(each),
                pid=each["pid"],
                ended_because=each["ended_because"],
                restarts=each["restarts"],
                restarts_in=None if each["restarts_in"] is None else timedelta(seconds=each["restarts_in"]),
                given_up=each["given_up"],
                restarts_once=each["restarts_once"],
                over_limits=each["over_limits"],
            )
            for id_, each in plain["panes"].items()
        },
        sessions={
            (workspace, name): _verdict(each)
            for workspace, sessions in plain["sessions"].items()
            for name, each in sessions.items()
        },
        measured=True,
        last=plain["last"],
    )


def at_sight(server: status.Server) -> Report:
    from orchestra.engine.react import health
    from orchestra.host import clock
    from orchestra.model import names

    now = health.Now(lived=0.0, time=clock.Clock().now())
    panes: dict[str, Told] = {}
    members: dict[tuple[str, str], list[tuple[str, verdicts.Verdict]]] = {}
    for each in health.seen(server):
        verdict = health.verdict(each, now)
        if each.running and each.sign is None:
            verdict = verdicts.Verdict(health=status.Health.UNKNOWN, reason=UNMEASURED)
        panes[each.id] = Told(verdict=verdict, pid=each.pid)
        members.setdefault((each.workspace, names.session_of(each.address)), []).append(
            (each.address, verdict)
        )
    sessions = {key: verdicts.worst(found) for key, found in members.items()}
    return Report(panes=panes, sessions=sessions, measured=False)


def groups(
    assembly: assemble.Assembly, workspace: str, panes: Iterable[tuple[str, verdicts.Verdict]]
) -> dict[str, tuple[tuple[str, ...], verdicts.Verdict]]:
    """`@name` → its panes' addresses, and how healthy it is."""
    from orchestra.daemon import grouping

    known = dict(panes)
    return {
        name: (tuple(members), verdicts.worst((each, known[each]) for each in members if each in known))
        for name, members in grouping.groups(assembly, workspace).items()
    }


def plain(verdict: verdicts.Verdict) -> dict[str, object]:
    from orchestra.model import event

    since = event.stamp(verdict.since) if verdict.since is not None else None
    return {"health": str(verdict.health), "reason": verdict.reason, "since": since}


def _verdict(plain: Mapping[str, Any]) -> verdicts.Verdict:
    since = plain["since"]
    return verdicts.Verdict(
        health=status.Health(plain["health"]),
        reason=plain["reason"],
        since=None if since is None else datetime.fromisoformat(since),
        over=plain["over"],
    )
