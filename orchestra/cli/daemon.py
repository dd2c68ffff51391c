"""`orchestra daemon`: the long-running process of a tmux server."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestra.cli import codes, options, output
from orchestra.model import errors
from orchestra.model.status import Health
from orchestra.plan import causes

if TYPE_CHECKING:  # see options
    from datetime import timedelta

    from orchestra.cli import client

PATIENCE = 20.0
"""Seconds until one that was started must be ready, and one that was stopped be gone."""


@click.group("daemon")
def command() -> None:
    """The daemon of a tmux server: it hears what happens there, keeps it, and tells who asks. One a server.

    It may be stopped or killed at any time: nothing that runs in a pane notices, and the next one goes on from there.

    \b
    Examples:
      orchestra daemon start
      orchestra daemon status
    """


@command.command("run")
@click.option("--ready-fd", type=int, hidden=True, help="Say there when it is ready.")
@click.option(
    "--linger",
    type=options.Duration(),
    help="End when there has been no tmux server for so long; without it: never.",
)
@options.common
def run(common: options.Common, ready_fd: int | None, linger: timedelta | None) -> int:
    """Run it here, in the foreground: for systemd, containers, and a look at what it says.

    \b
    Example:
      orchestra -S /tmp/tmux-1000/default daemon run
    """
    from orchestra.daemon import log

    assembly = common.assembly()
    log.to_file(Path(assembly.directories().log) if ready_fd is not None else None)
    from orchestra.daemon import lifetime
    from orchestra.host import unix_socket

    def ready() -> None:
        unix_socket.notify("READY=1")
        if ready_fd is not None:
            with contextlib.suppress(BrokenPipeError):  # who waited has given up; it is wanted all the same
                os.write(ready_fd, b"ready\n")
            os.close(ready_fd)

    lifetime.serve(assembly, ready, linger)
    return codes.OK


@command.command("start")
@options.common
def start(common: options.Common) -> int:
    """Start it in the background, and return when it is ready. Does nothing when it runs already.

    \b
    Example:
      orchestra daemon start
    """
    there = common.daemon()
    if there is not None:
        return _tell(common, "start", there.get("/v1/status"), "already runs")
    begin(common)
    there = common.daemon()
    if there is None:
        raise errors.ActionFailed("the daemon ended again at once", hint="orchestra daemon logs says why")
    return _tell(common, "start", there.get("/v1/status"), "started")


def begin(common: options.Common, *, linger: str = "") -> None:
    """Returns when it is ready; `ActionFailed` with its own words when it is not. `linger`: as of `run`."""
    import select  # only here

    from orchestra.host import cgroups

    reader, writer = os.pipe()
    words = [
        sys.executable,
        "-m",
        "orchestra",
        *common.server_words(),
        "daemon",
        "run",
        "--ready-fd",
        str(writer),
        *(("--linger", linger) if linger else ()),
    ]
    assembly = common.assembly()
    log = assembly.directories().log
    with log.open("ab") as file:
        at = file.tell()
        process = subprocess.Popen(
            cgroups.apart(tuple(words)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            pass_fds=(writer,),
            start_new_session=True,
            cwd="/",
        )
    os.close(writer)
    try:
        if select.select([reader], [], [], PATIENCE)[0] and os.read(reader, 16):
            return
    finally:
        os.close(reader)
    try:
        process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        raise errors.ActionFailed(
            f"the daemon is not ready after {PATIENCE:g} s", hint=f"look into {log}"
        ) from None
    with log.open("rb") as file:
        file.seek(at)
        lines = file.read().decode(errors="replace").strip().split("\n")
    said = next(
        (line.removeprefix("error: ") for line in reversed(lines) if line.startswith("error: ")), lines[-1]
    )
    raise errors.ActionFailed(f"the daemon did not start: {said}", hint=f"{log} has all it said")


@command.command("stop")
@options.common
def stop(common: options.Common) -> int:
    """Stop it. Panes run on, and go on being recorded.

    \b
    Example:
      orchestra daemon stop
    """
    there = common.daemon()
    if there is None:
        if common.json:
            output.result("daemon", {"running": False})
        else:
            output.say("no daemon runs")
        return codes.OK
    pid = there.get("/v1/status")["pid"]
    _end(there, pid)
    if common.json:
        output.result("daemon", {"running": False, "pid": pid})
    else:
        output.say(f"the daemon (pid {pid}) stopped")
    return codes.OK


def _end(there: client.Client, pid: int) -> None:
    import select

    from orchestra.cli import client

    fd = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else -1
    try:
        with contextlib.suppress(client.Absent):  # it may end before it has answered
            there.post("/v1/stop", {})
        if fd >= 0 and not select.select([fd], [], [], PATIENCE)[0]:
            raise errors.ActionFailed(
                f"the daemon (pid {pid}) does not end", hint=f"kill -KILL {pid} harms nothing"
            )
    finally:
        if fd >= 0:
            os.close(fd)


@command.command("restart")
@options.common
def restart(common: options.Common) -> int:
    """Stop it and start it again: after an upgrade. No event is lost in between.

    \b
    Example:
      orchestra daemon restart
    """
    there = common.daemon()
    if there is not None:
        _end(there, there.get("/v1/status")["pid"])
    begin(common)
    now = common.daemon()
    assert now is not None
    return _tell(common, "restart", now.get("/v1/status"), "started")


@command.command("status")
@options.common
def status(common: options.Common) -> int:
    """Show whether it runs and how it is. Exit code 1 when it does not run.

    \b
    Example:
      orchestra daemon status || orchestra daemon start
    """
    there = common.daemon()
    if there is None:
        if common.json:
            output.result("daemon", {"running": False})
        else:
            output.say("no daemon runs; start it with: orchestra daemon start")
        return codes.ERROR
    return _tell(common, "status", there.get("/v1/status"), "runs")


@command.command("logs")
@click.option("--tail", type=click.IntRange(min=0), default=50, show_default=True, help="How many lines.")
@options.common
def logs(common: options.Common, tail: int) -> int:
    """Show what the daemon itself said.

    \b
    Example:
      orchestra daemon logs --tail 20
    """
    path = common.assembly().expected().log
    try:
        lines = path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    shown = lines[-tail:] if tail else []
    if common.json:
        output.result("daemon", {"path": str(path), "lines": shown})
        return codes.OK
    for line in shown:
        output.say(output.one_line(line))
    if not lines:
        output.note(f"it said nothing yet: {path}")
    return codes.OK


def _tell(common: options.Common, verb: str, told: Any, word: str) -> int:
    if common.json:
        output.result("daemon", {"running": True, **told})
        return codes.OK
    tmux = told["tmux"]
    server = f"tmux {tmux['version']}" if tmux["epoch"] else "no tmux server yet"
    output.say(f"the daemon (pid {told['pid']}) {word}: {server} on {output.one_line(tmux['socket'])}")
    if verb == "status":
        output.say(f"  for        {output.duration(told['uptime'])}")
        output.say(
            "  sees       "
            + ", ".join(causes.count(told[f"{kind}s"], kind) for kind in ("session", "window", "pane"))
        )
        output.say(f"  journal    events {told['journal']['first']} to {told['journal']['last']}")
        output.say(f"  listeners  {told['listeners']}")
        counted = told["parts"]["health"]
        health = [f"{counted[each]} {each}" for each in Health if counted[each]]
        given_up = len(told["parts"]["supervise"]["given_up"])
        health += [f"{given_up} given up"] if given_up else []
        output.say(f"  health     {', '.join(health) or 'of nothing'}")
        if (triggers := told["parts"]["triggers"])["in_force"]:
            runs = causes.count(triggers["runs"], "run")
            output.say(f"  triggers   {triggers['in_force']} in force, {runs} at work or waiting")
    if verb == "status" and (failed := told["parts"]["triggers"]["failed"]):
        output.say(f"  failed     {causes.count(failed, 'run')} of triggers: orchestra events replay --list")
    for trouble in told["troubles"]:
        output.note(f"trouble: {output.one_line(trouble)}")
    return codes.OK
