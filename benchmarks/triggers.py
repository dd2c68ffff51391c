"""From a line that a pane prints to the start of what a trigger does, and how many events a second triggers keep up with:
`python -m benchmarks.triggers [--lines 200] [--seconds 5]`.

The line says when it was printed, the kernel's time of a file when the command began. The events are published as the daemon publishes
them, into a journal of their own, against 100 triggers of 100 panes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks import daemon
from orchestra.daemon import assemble
from orchestra.daemon.react import collecting, parts, triggering
from orchestra.engine.hear import bus, happenings, publishing
from orchestra.host import clock, paths, recordings
from orchestra.model import event, rules, spec, status
from orchestra.plan import record, rules_changes
from orchestra.store import journal

RATE = 10_000
BEAT = 0.01
PANES = 100
TRIGGERS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=5)
    asked = parser.parse_args()
    print("a trigger's pattern in a pane's output")
    with daemon.world() as here:
        daemon.told("line printed → command started", _lines(here, asked.lines))
    print(f"{RATE} events a second through {TRIGGERS} triggers, for {asked.seconds} s")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_flood(Path(folder), asked.seconds))


# --- one line


def _lines(here: daemon.World, count: int) -> list[float]:
    """Milliseconds."""
    started = here.folder / "started"
    started.mkdir()
    path = here.folder / "m.yaml"
    path.write_text(
        "version: 1\nworkspace: bench\nsessions:\n  a:\n    panes:\n"
        "      - {name: one, command: 'while read x; do echo \"ERROR $EPOCHREALTIME\"; done', shell: /bin/bash}\n"
        "triggers:\n  - {name: t, on: {output: 'ERROR \\d'}, limit: 100000 per 1m, do: [{run: "
        f"'echo \"$ORCHESTRA_EVENT_LINE\" > {started}/$ORCHESTRA_RUN'}}]}}\n"
    )
    here.daemon()
    here.orchestra("apply", str(path), "--no-wait", "--yes")
    took: list[float] = []
    seen: set[str] = set()
    for number in range(count + 10):
        time.sleep(0.02)
        here.tmux("send-keys", "-t", "=a:", "x", "Enter")
        until = time.monotonic() + daemon.PATIENCE
        while not (new := {each.name for each in started.iterdir() if each.stat().st_size} - seen):
            if time.monotonic() > until:
                raise AssertionError("nothing was started")
            time.sleep(0.002)
        (name,) = new
        seen.add(name)
        told = (started / name).read_text().split()[1]
        if number >= 10:  # the first ones load what is loaded once
            took.append(((started / name).stat().st_mtime - float(told)) * 1000)
    return took


# --- many events


async def _flood(folder: Path, seconds: int) -> None:
    ticking = clock.Clock()
    with journal.Journal(folder / "journal.sqlite", ticking) as kept:
        listened = bus.Bus()
        heard: list[triggering.Triggers] = []

        def tell(events: Sequence[event.Event]) -> None:
            for each in heard:
                each.happened(events)

        publisher = publishing.Publisher(kept, listened, ticking, tell)

        def say(cause: str) -> parts.Say:
            async def told(body: event.Body, workspace: str, address: str, state: Mapping[str, Any]) -> None:
                happened = happenings.Happening(body=body, workspace=workspace, address=address)
                await publisher.publish([happened], cause, state)

            return told

        async def keep(state: Mapping[str, Any]) -> None:
            await publisher.publish([], state=state)

        reach = parts.Reach(
            assembly=assemble.assemble(None, str(folder / "s"), os.environ),
            found=paths.expected(folder / "s"),
            clock=ticking,
            bus=listened,
            journal=kept,
            recordings=recordings.Recordings(folder / "recordings", ticking, lambda _: None),
            say=say,
            keep=keep,
            publish=publisher.publish,
            is_busy=lambda: False,
            look=lambda: None,
            look_soon=lambda: None,
        )
        part = triggering.Triggers(reach, collecting.Collecting(reach))
        heard.append(part)
        part.resume(None)
        await part.looked(_server())
        async with asyncio.TaskGroup() as group:
            running = group.create_task(part.run())
            behind, lags = await _publish(publisher, kept, part, seconds)
            running.cancel()
        reach.recordings.close()
        fired = len(kept.read(0, limit=100_000, types=("trigger.fired",)))
        lags.sort()
        print(
            f"  behind, ms: p50 {lags[len(lags) // 2]:.1f}  p99 {lags[int(len(lags) * 0.99)]:.1f}  max {lags[-1]:.1f}; "
            f"after the last one {behind:.0f} ms; {fired} fired; {time.process_time():.1f} s of CPU in all"
        )


async def _publish(
    publisher: publishing.Publisher, kept: journal.Journal, part: triggering.Triggers, seconds: int
) -> tuple[float, list[float]]:
    """How long after the last event all had been looked at, and how long after each batch's acknowledgement it had been."""
    bodies = _bodies()
    waiting: list[tuple[int, float]] = []
    lags: list[float] = []
    begun = time.perf_counter()

    def looked_at() -> None:
        now, cursor = time.perf_counter(), part.describe()["looked_at"]
        while waiting and waiting[0][0] <= cursor:
            lags.append((now - waiting.pop(0)[1]) * 1000)

    async with asyncio.TaskGroup() as group:

        async def one(number: int) -> None:
            size = int(RATE * BEAT)
            told = [bodies[(number * size + each) % len(bodies)] for each in range(size)]
            written = await publisher.publish(told)
            waiting.append((written[-1].sequence, time.perf_counter()))

        for number in range(int(seconds / BEAT)):
            group.create_task(one(number))
            looked_at()
            await asyncio.sleep(max(begun + (number + 1) * BEAT - time.perf_counter(), 0))
    last, published = kept.last(), time.perf_counter()
    print(f"  published {seconds * RATE} in {published - begun:.2f} s")
    while part.describe()["looked_at"] < last:
        looked_at()
        await asyncio.sleep(0.001)
    looked_at()
    return (time.perf_counter() - published) * 1000, lags


def _bodies() -> Sequence[happenings.Happening]:
    """Of all panes: titles, ends and health, of which one in a hundred is what a trigger asks for."""
    made = []
    for number in range(PANES * 10):
        pane = number % PANES
        id_ = f"%{pane}"
        body: event.Body
        match number % 5:
            case 0 | 1:
                body = event.PaneTitleChanged(id=id_, title=f"title {number}")
            case 2:
                body = event.CommandFinished(id=id_, command="ls", exit_code=0, duration=timedelta(0))
            case 3:
                body = event.HealthChanged(id=id_, before="healthy", after="degraded", reason="x")
            case _:
                body = event.PaneExited(id=id_, pid=number, exit_code=1 if number % 100 == 4 else 0)
        made.append(happenings.Happening(body=body, workspace="w", address=f"s/p{pane}"))
    return made


def _server() -> status.Server:
    log = (rules.Reaction(act=rules.Log(text="{{ event.address }}")),)
    wanted = [
        rules.Trigger(
            name=f"t{number}",
            on=rules.OnEvent(types=(("pane.exited",), ("health.changed",), ("pane.*",), ("command.finished",))[number % 4]),
            source=("", f"s/p{number}", "kind=a", "s/p1*")[number // 4 % 4] or f"s/p{number}",
            when=("event.exit_code == 1", "event.after == 'unhealthy'", "event.exit_code == 1", "event.exit_code != 0")[number % 4],
            do=log,
        )
        for number in range(TRIGGERS)
    ]  # fmt: skip
    panes = [
        spec.Pane(
            address=f"s/p{number}", command="x", shell="/bin/sh", dir="/",
            labels={"kind": "a" if number % 10 == 0 else "b"},
        )
        for number in range(PANES)
    ]  # fmt: skip

    def mark(address: str) -> status.Mark:
        return status.Mark(workspace="w", address=address, uid=f"u{address.partition('/p')[2]}")

    window = spec.Window(name="main", panes=tuple(panes))
    live = tuple(
        status.Pane(
            id=f"%{number}", index=number, pid=9, dead=False, mark=mark(pane.address),
            record=record.pane_text(pane, {}),
        )
        for number, pane in enumerate(panes)
    )  # fmt: skip
    shown = status.Window(
        id="@0", index=0, name="main", layout="", width=80, height=24, mark=mark("s/main"),
        record=record.window_text(window), panes=live,
    )  # fmt: skip
    session = status.Session(
        id="$0",
        name="s",
        mark=mark("s"),
        record=record.session_text(spec.Session(name="s", windows=(window,))),
        windows=(shown,),
    )
    kept = {"w": rules_changes.text(rules.Rules(triggers=tuple(wanted)))}
    return status.Server(running=True, pid=1, rules=kept, sessions=(session,))


if __name__ == "__main__":
    main()
