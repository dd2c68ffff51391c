"""`orchestra wait`: returns when a pane has become what was asked for."""

from __future__ import annotations

import select
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, health, options, output, suggest
from orchestra.model import errors, spec, status

if TYPE_CHECKING:  # see options
    from collections.abc import Iterator

    from orchestra.daemon import assemble, logs

LONGEST = timedelta(days=365)
SEARCH = 10.0
"""Seconds of a processor that what is there already may be searched, also by who waits for less: 8 MiB of the shortest lines take 6."""
_OUTPUT = "output="
_MEASURED = (status.Health.HEALTHY, status.Health.DEGRADED, status.Health.UNHEALTHY)


@click.command("wait")
@click.argument("address", shell_complete=suggest.addresses)
@click.option(
    "--for", "condition", required=True, metavar="exited|healthy|degraded|unhealthy|output=RE",
    help="The process ended; it is so healthy; a line was printed in which the regular expression is found.",
)  # fmt: skip
@click.option("--timeout", type=options.Duration(), help="How long to wait. Without it: for ever.")
@options.common
def command(common: options.Common, address: str, condition: str, timeout: timedelta | None) -> int:
    """Wait until a pane has ended, is healthy or is not any more, or has printed something; what it printed before counts.

    Exit code 0 when it is so, 1 when it cannot be so any more (it ended and is not started again, it was given up) or was not in time.
    How healthy something is the daemon knows, of sessions, workspaces and @groups as well; `healthy` is probed here where none runs.

    \b
    Examples:
      orchestra wait db/migrate --for exited --timeout 5m
      orchestra wait api/server --for 'output=listening on' && curl localhost:8000
      orchestra wait @backend --for healthy --timeout 1m
    """
    assembly = common.assembly()
    if condition in _MEASURED and (there := common.daemon()) is not None:
        from orchestra.cli import wait_health

        if (found := wait_health.reached(assembly, there, address, condition, timeout)) is not None:
            how = f"is {condition}" + (f": {output.one_line(found.reason)}" if found.reason else "")
            return _tell(common, address, how, health.plain(found))
    place = _place(assembly, address)
    limit = timeout if timeout is not None else LONGEST
    if condition.startswith(_OUTPUT):
        line = printed(common, assembly, address, place, condition.removeprefix(_OUTPUT), limit)
        return _tell(common, address, f"printed: {output.one_line(line)}", {"line": line})
    if condition == "exited":
        pane = _reached(assembly, place, spec.Condition.COMPLETED, limit)
        how = (
            f"was ended by signal {pane.signal}"
            if pane.signal is not None
            else f"exited with code {pane.exit_code}"
        )
        return _tell(common, address, how, {"exit_code": pane.exit_code, "signal": pane.signal})
    if condition == "healthy":
        _reached(assembly, place, spec.Condition.HEALTHY, limit)
        return _tell(common, address, "is healthy", {})
    if condition in _MEASURED:
        raise errors.UsageError(
            f"only a daemon knows what is {condition}", hint="start it with: orchestra daemon start"
        )
    raise errors.UsageError(
        f"--for {condition}: nothing that can be waited for",
        hint="say exited, healthy, degraded, unhealthy, or output=REGULAR-EXPRESSION",
    )


def _tell(common: options.Common, address: str, how: str, body: dict[str, object]) -> int:
    if common.json:
        output.result("wait", {"address": address, **body})
    else:
        output.say(f"{output.one_line(address)} {how}")
    return codes.OK


def _place(assembly: assemble.Assembly, address: str) -> status.Place:
    from orchestra.plan import addressing

    return addressing.pane(assembly.tmux.observe(), address).place


def _reached(
    assembly: assemble.Assembly, place: status.Place, condition: spec.Condition, timeout: timedelta
) -> status.Pane:
    from orchestra.cli import apply
    from orchestra.engine import together
    from orchestra.engine.apply import gates
    from orchestra.plan import record

    known = record.parse_pane(place.pane.record) if place.pane.mark is not None else None
    pane = known.pane if known is not None else spec.Pane(address=place.pane.id, dir="/")
    address = place.pane.mark.address if place.pane.mark is not None else place.pane.id

    async def look() -> dict[str, status.Place]:
        return {
            each.pane.mark.address if each.pane.mark is not None else each.pane.id: each
            for each in status.places(assembly.tmux.observe())
        }

    async def wait() -> status.Pane:
        waiting = gates.Gates(assembly.world, together.Together(look).get, _environment)
        await waiting.reached(pane, condition, timeout, lambda reason: None)
        return (await look())[address].pane

    try:
        return apply.run(wait())
    except gates.Failed as failed:
        raise errors.ActionFailed(
            f"{address}: {failed}", hint=f"orchestra logs {address} shows what it printed"
        ) from None


def _environment(pane: spec.Pane) -> dict[str, str]:
    return {**pane.env, "ORCHESTRA_ADDRESS": pane.address}


def printed(
    common: options.Common,
    assembly: assemble.Assembly,
    address: str,
    place: status.Place,
    pattern: str,
    timeout: timedelta,
) -> str:
    from orchestra.daemon import logs
    from orchestra.engine import patterns
    from orchestra.host import recordings

    fault = patterns.fault(pattern)
    if fault is not None:
        raise errors.UsageError(f"{pattern!r} is not a regular expression: {fault}")
    until = time.monotonic() + timeout.total_seconds()
    folder = assembly.directories().recordings / assembly.tmux.observe().epoch / place.pane.id
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    watch = logs.Watch([folder])
    begun = not place.pane.piped
    # Of a pane that was started again only what this process printed counts, where that is known; else what tmux still shows.
    life = recordings.life(folder, place.pane.pid)
    shown = (
        "" if life is not None else assembly.listening.record_from_here(place.pane.id, str(folder.parents[1]))
    )
    log = logs.Log(folder, life)
    try:
        found = patterns.search(pattern, shown.split("\n"), whole=SEARCH)
        while found is None:
            patience = max(until - time.monotonic(), SEARCH)
            found = patterns.search(pattern, _lines(log), whole=patience)
            left = until - time.monotonic()
            if found is None and left <= 0:
                raise errors.ActionFailed(
                    f"{address}: no line with {pattern!r} within {output.wished(timeout.total_seconds())}"
                )
            if found is None:
                fds = [watch.fd] if watch.fd is not None else []
                select.select(fds, [], [], left if fds else min(left, logs.POLL))
                watch.drain()
        return found
    finally:
        log.close()
        watch.close()
        if begun and common.daemon() is None:
            assembly.listening.stop_recording([place.pane.id])


def _lines(log: logs.Log) -> Iterator[str]:
    """All there is now."""
    for batch in log.batches():
        yield from batch.lines
    yield log.unfinished()
