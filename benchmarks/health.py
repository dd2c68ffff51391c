"""What measuring health costs the daemon: `python -m benchmarks.health [--panes 100] [--seconds 30]`.

As many panes, each probed every second; the daemon's own CPU time, that of the commands it starts beside it, and how many probes that
were. The target is a process of its own. And how much later than their timeout hung probes are over, with all that they forked.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from benchmarks import daemon
from orchestra.cli import client
from orchestra.host import probe
from orchestra.model import spec

SERVER = """
import asyncio
async def answer(reader, writer):
    if await reader.read(4096):
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
    writer.close()
async def live():
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(live())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panes", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30)
    asked = parser.parse_args()
    print("32 commands at once that hang and fork, timeout 0.5 s: over so much later")
    daemon.told("late", asyncio.run(_late(32, 10)))
    with _target() as port, daemon.world() as here:
        there = here.daemon()
        print(f"{asked.panes} panes, each probed once a second, for {asked.seconds:g} s: % of a core")
        for name, check in (
            ("nothing is probed", ""),
            ("tcp", f", health: {{tcp: '127.0.0.1:{port}', interval: 1s}}"),
            ("http", f", health: {{http: 'http://127.0.0.1:{port}/', interval: 1s}}"),
            ("a command: [true]", ", health: {command: ['true'], interval: 1s}"),
            ("a command: 'true' of a shell", ", health: {command: 'true', interval: 1s}"),
        ):
            _apply(here, asked.panes, check)
            _measured(here, there, name, asked.seconds)


async def _late(count: int, rounds: int) -> list[float]:
    """Milliseconds."""
    hangs, timeout = spec.CommandProbe(command="sleep 1000 & sleep 1000"), timedelta(seconds=0.5)
    prober = probe.Prober()

    async def one() -> float:
        began = time.perf_counter()
        attempt = await prober.attempt(hangs, timeout, dir="/", env={})
        assert attempt.reason == "timed out after 0.5 s", attempt
        return (time.perf_counter() - began - timeout.total_seconds()) * 1000

    took: list[float] = []
    for _ in range(rounds):
        took += await asyncio.gather(*(one() for _ in range(count)))
    return took


@contextmanager
def _target() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def _apply(here: daemon.World, panes: int, check: str) -> None:
    windows = "\n".join(
        f"      - {{name: w{n}, panes: [{{name: p{n}, command: exec sleep 100000{check}}}]}}"
        for n in range(panes)
    )
    path = here.folder / "h.yaml"
    path.write_text(f"version: 1\nworkspace: bench\nsessions:\n  a:\n    windows:\n{windows}\n")
    here.orchestra("apply", str(path), "--no-wait", "--yes")


def _measured(here: daemon.World, there: client.Client, name: str, seconds: float) -> None:
    time.sleep(3)  # it settles
    before, tried, began = daemon.spent(here.pid), _attempts(there), time.perf_counter()
    time.sleep(seconds)
    own, theirs = (now - then for now, then in zip(daemon.spent(here.pid), before, strict=True))
    took, made = time.perf_counter() - began, _attempts(there) - tried
    each = f", {own / made * 1e6:4.0f} µs a probe" if made else ""
    print(
        f"  {name:<30} the daemon {own / took * 100:5.2f}   its commands {theirs / took * 100:5.2f}"
        f"   {made} probes{each}",
        flush=True,
    )


def _attempts(there: client.Client) -> int:
    return int(there.get("/v1/status")["parts"]["health"]["attempts"])


if __name__ == "__main__":
    main()
