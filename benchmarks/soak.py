"""A daemon kept busy for a while, to see that it does not grow: `python -m benchmarks.soak [--minutes 30 | --hours 24]`.

A hundred panes that print, end and are started again, by hand and by the daemon; commands typed into shells; sessions that come and
go; snapshots taken by themselves; listeners that come, stall and die. What is measured, each time when nobody listens, is the memory that
is the daemon's alone (USS: what would be free if it ended; PSS moves with who shares Python's pages) and its descriptors.

Flat: after a warm-up of a third, neither grows. The line through the samples is the median of the slopes between any two of them (Theil
and Sen), which a peak does not move. What it gains until the last sample may be no more than `MOST` of what there was: that is what the
allocator's noise comes to in half an hour, and so the longer it runs the smaller a leak it finds. `--leak N` plants one, to see that it is
found: N bytes are kept for each batch of events.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import daemon

PANES = 100
SAMPLES = 120
WARM_UP = 1 / 3
MOST = 0.05
MOST_DESCRIPTORS = 10

LEAK = """\
import sys
from orchestra.engine import publishing
publish, kept = publishing.Publisher.publish, []
async def leaking(self, happened, *rest, **named):
    kept.append(bytes({size}))
    return await publish(self, happened, *rest, **named)
publishing.Publisher.publish = leaking
from orchestra.cli.main import main
sys.exit(main())
"""

MANIFEST = """\
version: 1
workspace: kept
sessions:
  kept:
    windows:
      - panes:
          - {{name: restarted, command: "sleep 5; exit 3", restart: {{policy: always, backoff: {{max: 2s}}, window: 1s}}}}
      - panes: [{{name: bash, shell: {bash}}}]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    at: float
    memory: int
    """Kilobytes that are nobody else's."""
    descriptors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    memory: float
    """Gained, of what there was at the end of the warm-up."""
    descriptors: float
    hourly: float
    """Kilobytes an hour."""

    @property
    def flat(self) -> bool:
        return self.memory <= MOST and self.descriptors <= MOST_DESCRIPTORS


def judge(samples: Sequence[Sample]) -> Verdict:
    after = samples[int(len(samples) * WARM_UP) :]
    lasted = after[-1].at - after[0].at
    memory = _slope([(each.at, each.memory) for each in after])
    before = statistics.median(each.memory for each in after[: max(len(after) // 4, 1)])
    return Verdict(
        memory=memory * lasted / before,
        descriptors=_slope([(each.at, each.descriptors) for each in after]) * lasted,
        hourly=memory * 3600,
    )


def _slope(points: Sequence[tuple[float, float]]) -> float:
    return statistics.median((d - b) / (c - a) for (a, b), (c, d) in itertools.combinations(points, 2))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--hours", type=float, default=0)
    parser.add_argument("--leak", type=int, default=0, metavar="BYTES")
    parser.add_argument("--samples", type=Path, help="write them there, as lines of JSON")
    asked = parser.parse_args()
    samples = soak((asked.hours * 60 or asked.minutes) * 60, asked.leak)
    if asked.samples:
        rows = [json.dumps([each.at, each.memory, each.descriptors]) for each in samples]
        asked.samples.write_text("\n".join(rows) + "\n")
    verdict = judge(samples)
    print(
        f"{'flat' if verdict.flat else 'it grew'}: memory {verdict.memory:+.1%} after the warm-up"
        f" ({verdict.hourly:+.0f} kB an hour), {verdict.descriptors:+.1f} descriptors"
    )
    sys.exit(0 if verdict.flat else 1)


def soak(seconds: float, leak: int) -> list[Sample]:
    dice = random.Random(1)
    samples: list[Sample] = []
    with daemon.world() as here:
        asked = here.daemon(LEAK.format(size=leak) if leak else "")
        here.apply({f"p{each}": f"while :; do date; sleep {1 + each % 7}; done" for each in range(PANES)})
        (here.folder / "kept.yaml").write_text(MANIFEST.format(bash="/bin/bash"))
        here.orchestra("apply", str(here.folder / "kept.yaml"), "--no-wait")
        here.orchestra("snapshot", "autosave", "on", "--every", "1m")
        listeners: list[subprocess.Popen[bytes]] = []
        began, turns = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            turns += 1
            _turn(here, dice, listeners)
            if passed >= seconds * len(samples) / SAMPLES:
                _end(listeners)
                while asked.get("/v1/status")["listeners"]:
                    time.sleep(0.05)
                samples.append(Sample(at=passed, memory=uss(here.pid), descriptors=_descriptors(here.pid)))
                if len(samples) % 10 == 1:
                    print(
                        f"{passed:8.0f} s  {samples[-1].memory / 1024:6.1f} MB"
                        f"  {samples[-1].descriptors} descriptors  {turns} turns",
                        flush=True,
                    )
        _end(listeners)
        print(here.orchestra("daemon", "status").strip())
    return samples


def uss(pid: int) -> int:
    """Kilobytes."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith(("Private_Clean:", "Private_Dirty:")))


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _end(listeners: list[subprocess.Popen[bytes]]) -> None:
    while listeners:
        gone = listeners.pop()
        gone.kill()
        gone.wait()


def _turn(here: daemon.World, dice: random.Random, listeners: list[subprocess.Popen[bytes]]) -> None:
    panes = here.tmux("list-panes", "-a", "-F", "#{pane_id} #{@orchestra_pane}").splitlines()
    ours = [row.split()[0] for row in panes if " bench " in row]
    shell = next(row.split()[0] for row in panes if " kept/bash " in row)
    match dice.randrange(8):
        case 0:
            here.tmux("respawn-pane", "-k", "-t", dice.choice(ours), "seq 20000; exec sleep 1000")
        case 1:
            name = f"s{dice.randrange(10**9)}"
            off = ("set-option", "-w", "-t", f"={name}:", "remain-on-exit", "off")  # or it stays, dead
            here.tmux("new-session", "-d", "-s", name, "sleep 3", ";", *off)
        case 2:
            here.tmux("respawn-pane", "-k", "-t", dice.choice(ours), f"exit {dice.randrange(256)}")
        case 3 if len(listeners) < 5:
            words = ("events", "-f", "--type", "*", "--type", "pane.output")
            argv = [sys.executable, "-m", "orchestra", "-S", str(here.folder / "s"), *words]
            listeners.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL, env=here.environ))
        case 4 if listeners:
            _end([listeners.pop(dice.randrange(len(listeners)))])
        case 5:
            here.tmux("send-keys", "-t", shell, f"(exit {dice.randrange(256)})", "Enter")
        case 6 if listeners:
            dice.choice(listeners).send_signal(dice.choice((signal.SIGSTOP, signal.SIGCONT)))
        case _:
            here.tmux("rename-window", "-t", dice.choice(ours), f"w{dice.randrange(100)}")
    time.sleep(0.05)


if __name__ == "__main__":
    main()
