"""How a pane or a session is, whoever made it: read from tmux, the process table and what was printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum

from orchestra.daemon import assemble, commander
from orchestra.engine import patterns
from orchestra.host import foreground
from orchestra.model import errors, hand, names, status
from orchestra.model.frozen import frozen
from orchestra.plan import addressing, grouping

TROUBLE = "ERROR|FATAL|CRASH"
"""In what was printed lately: degraded."""
LATELY = 50
"""Lines."""
BEAT = 0.02
TAKEN = 0.25
"""Seconds in which a shell begins what it was typed; one that does not tell may have ended it before anybody looked."""


class State(StrEnum):
    IDLE = "idle"
    """Its shell waits for a command."""
    RUNNING = "running"
    DEAD = "dead"


@frozen
class Condition:
    state: State
    command: str = ""
    """What has the terminal."""
    pid: int = 0
    since: timedelta | None = None
    exit_code: int | None = None
    """Of a dead pane, or of the last command of a shell that tells."""
    signal: int | None = None


def pane(assembly: assemble.Assembly, meant: hand.Meant) -> Condition:
    terminals = foreground.Terminals()
    live = meant.place.pane
    found = None if live.dead else terminals.foreground(live.pid)
    if found is None:
        return _dead(assembly, meant)
    idle = found.shell and any(_prompts(terminals, found, live))
    age = terminals.age(found.pid)
    return Condition(
        state=State.IDLE if idle else State.RUNNING,
        command=found.line,
        pid=found.pid,
        since=timedelta(seconds=age) if age is not None else None,
        exit_code=_last_code(assembly, meant) if idle else None,
    )


def _prompts(terminals: foreground.Terminals, found: hand.Foreground, live: status.Pane) -> Sequence[bool]:
    """Between a command's end and the prompt a shell is at work for a moment."""
    shown = terminals.at_prompt(found.pid, live.tty)
    for _ in range(5):
        if shown:
            break
        terminals.rest(BEAT)
        shown = terminals.at_prompt(found.pid, live.tty)
    return [shown]


def _dead(assembly: assemble.Assembly, meant: hand.Meant) -> Condition:
    """tmux tells that a pane is dead before it tells how."""
    terminals = foreground.Terminals()
    for _ in range(100):
        now = {each.pane.id: each.pane for each in status.places(assembly.tmux.observe())}.get(meant.id)
        if now is None:
            return Condition(state=State.DEAD)
        if now.dead and (now.exit_code is not None or now.signal is not None):
            return Condition(state=State.DEAD, exit_code=now.exit_code, signal=now.signal)
        assembly.tmux.reap()
        terminals.rest(BEAT)
    return Condition(state=State.DEAD)


def _last_code(assembly: assemble.Assembly, meant: hand.Meant) -> int | None:
    last = commander.last_command(assembly, meant.place.pane)
    return last[1] if last is not None and last[0] > 0 else None


def taken(assembly: assemble.Assembly, meant: hand.Meant, before: tuple[int, int] | None) -> None:
    """Returns when the shell has begun what it was typed, or soon: whoever looks next does not see it idle still."""
    terminals, live = foreground.Terminals(), meant.place.pane
    deadline = terminals.monotonic() + TAKEN
    while terminals.monotonic() < deadline:
        found = terminals.foreground(live.pid)
        if found is None or not found.shell or not terminals.at_prompt(found.pid, live.tty):
            return
        if before is not None and commander.last_command(assembly, live) != before:
            return
        terminals.rest(BEAT / 10)


def wait(assembly: assemble.Assembly, meant: hand.Meant, timeout: timedelta | None) -> Condition:
    """Until what runs has ended. `ActionFailed` when it has not in time."""
    first = pane(assembly, meant)
    if first.state is not State.RUNNING:
        return first
    terminals = foreground.Terminals()
    deadline = None if timeout is None else terminals.monotonic() + timeout.total_seconds()
    while True:
        now = pane(assembly, meant)
        if now.state is not State.RUNNING:
            return now
        if deadline is not None and terminals.monotonic() >= deadline:
            assert timeout is not None
            raise errors.ActionFailed(
                f"{meant.address}: `{now.command}` (pid {now.pid}) runs still after {timeout.total_seconds():g}s"
            )
        terminals.rest(BEAT)


# --- sessions


class Health(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


def health(
    assembly: assemble.Assembly, server: status.Server, wanted: Sequence[str]
) -> Mapping[str, tuple[Health, str]]:
    """Session → how it is and why, all of them in one look. One that is gone is unhealthy."""
    found: dict[str, tuple[Health, str]] = {}
    alive: dict[str, tuple[str, str]] = {}
    for name in wanted:
        try:
            session = addressing.session(server, name)
        except errors.UsageError:
            found[name] = Health.UNHEALTHY, "it is gone"
            continue
        panes = addressing.panes(session)
        live = [each.pane for each in panes if not each.pane.dead]
        failed = [each.pane for each in panes if each.pane.dead and (each.pane.exit_code or each.pane.signal)]
        if not live:
            found[name] = Health.UNHEALTHY, "nothing runs in it"
        elif failed:
            found[name] = Health.DEGRADED, f"{len(failed)} of its panes failed"
        else:
            found[name] = Health.HEALTHY, ""
        for number, each in enumerate(panes):
            alive[each.pane.id] = (
                name,
                hand.Meant(place=each, epoch=server.epoch, number=number).address,
            )
    for id_, lines in assembly.keyboard.printed(list(alive), LATELY).items():
        name, address = alive[id_]
        trouble = patterns.search(TROUBLE, reversed(lines))
        if trouble is not None and found[name][0] is Health.HEALTHY:
            found[name] = Health.DEGRADED, f"{address} printed: {trouble.strip()[:200]}"
    return found


def wait_healthy(assembly: assemble.Assembly, session: str, timeout: timedelta) -> Sequence[str]:
    """Until what it waits for is healthy, first things first, and then itself. Their names, in that order."""
    terminals = foreground.Terminals()
    deadline = terminals.monotonic() + timeout.total_seconds()
    server = assembly.tmux.observe()
    chain = grouping.order(grouping.parse(server.groups).dependencies, session)
    for name in chain:
        while True:
            how, why = health(assembly, assembly.tmux.observe(), [name])[name]
            if how is Health.HEALTHY:
                break
            if terminals.monotonic() >= deadline:
                waits = f", which {session} waits for," if name != session else ""
                raise errors.ActionFailed(f"{name}{waits} is {how} after {timeout.total_seconds():g}s: {why}")
            terminals.rest(10 * BEAT)
    return chain


def groups_of(server: status.Server) -> Mapping[str, Sequence[str]]:
    """Session → its groups; those that cannot be read are nobody's."""
    try:
        made = grouping.parse(server.groups)
    except errors.Conflict:
        return {}
    return {names.given(each.name): grouping.of_session(made, each) for each in server.sessions}
