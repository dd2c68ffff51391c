"""What a pass of garbage collection costs: `python -m benchmarks.collect [--panes 100]`. Processor time of ours; and the look at tmux
on the wall, beside the one without."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import timedelta

from benchmarks import daemon
from orchestra.daemon import assemble
from orchestra.daemon.react import taking
from orchestra.engine.react import collect
from orchestra.model import rules

SESSIONS = 10
TIMES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panes", type=int, default=100)
    count = parser.parse_args().panes
    with daemon.world() as here:
        each = ", ".join(f"{{name: w{n}, panes: [{{name: p{n}}}]}}" for n in range(count // SESSIONS))
        sessions = "\n".join(f"  s{number}: {{windows: [{each}]}}" for number in range(SESSIONS))
        (here.folder / "m.yaml").write_text(f"version: 1\nworkspace: bench\nsessions:\n{sessions}\n")
        here.orchestra("apply", str(here.folder / "m.yaml"))
        own = assemble.assemble(None, str(here.folder / "s"), here.environ)
        server, rests = own.tmux.observe_rest()
        found = taking.seen(own, server, rests)
        print(f"{count} idle shells in {SESSIONS} sessions, {len(found.calm)} of them at their prompt")
        print(f"  a session's text     {max(len(each.text) for each in rests.values())} bytes")
        _timed("the one reading", own.tmux.observe)
        _timed("with who rests", own.tmux.observe_rest)
        _timed("what runs in panes", lambda: taking.seen(own, server, rests))
        world = collect.World(
            server=server,
            rests=rests,
            calm=found.calm,
            quiet=dict.fromkeys(rests, timedelta(hours=3)),
            rules={"bench": rules.Gc(idle=timedelta(hours=2))},
        )
        print(f"  may go               {len(collect.decide(world).victims)} sessions")
        _timed("the decision", lambda: collect.decide(world))


def _timed(name: str, work: Callable[[], object]) -> None:
    wall, processor = [], []
    for _ in range(TIMES):
        began, spent = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - began)
        processor.append(time.process_time() - spent)
    both = (statistics.median(wall) * 1000, statistics.median(processor) * 1000)
    print(f"  {name:<20} {both[0]:6.1f} ms, of which {both[1]:.1f} ms ours")


if __name__ == "__main__":
    main()
