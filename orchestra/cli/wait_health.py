"""Waiting for what the daemon measures."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestra.cli import client, health, output, steer
from orchestra.engine.react import health as machine
from orchestra.model import errors, spec, status, verdicts

if TYPE_CHECKING:  # see options
    from orchestra.daemon import assemble

PATIENCE = 5.0
"""Seconds after which it is asked anew though nothing was told."""
SOON = 0.1
"""Likewise, where it does not know yet what was seen here."""
_TYPES = ("health.changed", "pane.created", "pane.started", "pane.exited", "pane.closed", "pane.failed")


def reached(
    assembly: assemble.Assembly, there: client.Client, address: str, wanted: str, timeout: timedelta | None
) -> verdicts.Verdict | None:
    """None: it is no pane of ours. `ActionFailed` when it is not so in time, or cannot be."""
    until = None if timeout is None else time.monotonic() + timeout.total_seconds()
    while True:
        seen = _meant(assembly, address)
        if seen is None:
            return None
        told = health.report(there, assembly.tmux.observe())
        found = _verdict(seen, told)
        if found is not None and found.health == wanted:
            return found
        if wanted == status.Health.HEALTHY:
            _refuse(seen, told)
        left = PATIENCE if until is None else until - time.monotonic()
        if left <= 0:
            shown = (
                f"it is {found.health} ({found.reason})" if found is not None else "nothing is known of it"
            )
            within = output.wished(timeout.total_seconds()) if timeout is not None else ""
            raise errors.ActionFailed(f"{address}: not {wanted} within {within}: {shown}")
        _told(there, told.last, min(left, PATIENCE if found is not None else SOON))


def _meant(assembly: assemble.Assembly, address: str) -> Mapping[str, machine.Seen] | None:
    """By tmux's id."""
    every = {each.id: each for each in machine.seen(assembly.tmux.observe())}
    if address.startswith("%"):
        return {address: every[address]} if address in every else None
    meant = steer.panes_meant(assembly, [address])
    return {id_: each for id_, each in every.items() if each.address in meant.get(each.workspace, ())}


def _verdict(seen: Mapping[str, machine.Seen], told: health.Report) -> verdicts.Verdict | None:
    """None: the daemon has not looked since."""
    found: list[tuple[str, verdicts.Verdict]] = []
    for id_, each in seen.items():
        known = told.panes.get(id_)
        if known is None or known.pid != each.pid:
            return None
        found.append((each.address, known.verdict))
    return found[0][1] if len(found) == 1 else verdicts.worst(found)


def _refuse(seen: Mapping[str, machine.Seen], told: health.Report) -> None:
    """`ActionFailed` where somebody has to do something before it can be healthy."""
    alone = len(seen) == 1
    for id_, each in seen.items():
        known = told.panes.get(id_)
        if known is None or known.pid != each.pid:
            continue  # one of the two looked before the other: again
        if known.given_up and not each.running:
            raise _failed(each, f"it has failed: {known.given_up}")
        policy = each.pane.restart.policy if each.pane is not None else spec.Policy.NO
        ended = each.sign is machine.Sign.ENDED and policy is spec.Policy.NO
        completed = (
            alone
            and each.sign is machine.Sign.COMPLETED
            and (policy is spec.Policy.NO or (policy is spec.Policy.ON_FAILURE and not known.ended_because))
        )
        if ended or completed or each.sign is machine.Sign.STOPPED:
            raise _failed(each, each.reason)


def _failed(each: machine.Seen, reason: str) -> errors.ActionFailed:
    return errors.ActionFailed(
        f"{each.address}: {reason}", hint=f"orchestra logs {each.address} shows what it printed"
    )


def _told(there: client.Client, after: int, patience: float) -> None:
    """Returns when something may be otherwise."""
    query = {"after": after, "follow": True, "type": _TYPES, "limit": 1}
    with contextlib.suppress(TimeoutError):
        for _ in there.stream("/v1/events", query, timeout=patience):
            return
