"""A daemon kept busy for a while, to see that it does not grow: `python -m benchmarks.soak [--minutes 5 | --hours 24]`.

A hundred panes that print, end and are started again, sessions that come and go, listeners that come, stall and die. Twelve times its
memory and its descriptors are noted; after the first third neither may grow by more than a tenth.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import daemon

PANES = 100
SAMPLES = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--hours", type=float, default=0)
    asked = parser.parse_args()
    sys.exit(0 if soak((asked.hours * 60 or asked.minutes) * 60) else 1)


def soak(seconds: float) -> bool:
    dice = random.Random(1)
    with daemon.world() as here:
        here.daemon()
        here.apply({f"p{each}": f"while :; do date; sleep {1 + each % 7}; done" for each in range(PANES)})
        began = time.monotonic()
        sizes: list[int] = []
        descriptors: list[int] = []
        listeners: list[subprocess.Popen[bytes]] = []
        turns = 0
        while time.monotonic() - began < seconds:
            turns += 1
            _turn(here, dice, listeners)
            if time.monotonic() - began > seconds * len(sizes) / SAMPLES:
                sizes.append(daemon.pss(here.pid))
                descriptors.append(len(list(Path(f"/proc/{here.pid}/fd").iterdir())))
                print(
                    f"{time.monotonic() - began:8.0f} s  {sizes[-1] / 1024:6.1f} MB  {descriptors[-1]} descriptors"
                    f"  {turns} turns",
                    flush=True,
                )
        for each in listeners:
            each.kill()
            each.wait()
        print(here.orchestra("daemon", "status").strip())
    third = SAMPLES // 3
    flat = (
        max(sizes[third:]) <= sizes[third] * 1.1 and max(descriptors[third:]) <= descriptors[third] * 1.1 + 10
    )
    print("flat" if flat else "it grew")
    return flat


def _turn(here: daemon.World, dice: random.Random, listeners: list[subprocess.Popen[bytes]]) -> None:
    panes = here.tmux("list-panes", "-a", "-F", "#{pane_id} #{@orchestra_pane}").splitlines()
    ours = [row.split()[0] for row in panes if " bench " in row]
    match dice.randrange(6):
        case 0:
            here.tmux("respawn-pane", "-k", "-t", dice.choice(ours), "seq 20000; exec sleep 1000")
        case 1:
            name = f"s{dice.randrange(10**9)}"
            off = ("set-option", "-w", "-t", f"={name}:", "remain-on-exit", "off")  # or it stays, dead
            here.tmux("new-session", "-d", "-s", name, "sleep 3", ";", *off)
        case 2:
            here.tmux("respawn-pane", "-k", "-t", dice.choice(ours), f"exit {dice.randrange(256)}")
        case 3 if len(listeners) < 5:
            argv = [
                sys.executable,
                "-m",
                "orchestra",
                "-S",
                str(here.folder / "s"),
                "events",
                "-f",
                "--type",
                "*",
                "--type",
                "pane.output",
            ]
            listeners.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL, env=here.environ))
        case 4 if listeners:
            gone = listeners.pop(dice.randrange(len(listeners)))
            gone.kill()
            gone.wait()
        case _:
            here.tmux("rename-window", "-t", dice.choice(ours), f"w{dice.randrange(100)}")
    time.sleep(0.05)


if __name__ == "__main__":
    main()
