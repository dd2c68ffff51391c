"""Real families of processes: trees of forks that ignore signals, leave their group or session, and lose their parents."""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.unit.host import until
from tests.unit.host.family_program import Tree

WAYS = ("deaf", "nohup", "setsid", "group", "orphan")
"""What a process does before it settles. `deaf` ignores SIGTERM; an `orphan`'s parent has ended (double fork)."""


def grow(choose: random.Random, depth: int = 3) -> Tree:
    ways = tuple(way for way in WAYS if choose.random() < 0.35)
    children = [grow(choose, depth - 1) for _ in range(choose.randrange(3))] if depth else []
    return ways, tuple(children)


def size(tree: Tree) -> int:
    return 1 + sum(size(child) for child in tree[1])


@dataclass(frozen=True)
class Family:
    root: int
    """The first process. It leads a session, as a pane's does; with the way `orphan` it has ended."""
    pids: frozenset[int]


@contextlib.contextmanager
def living(tree: Tree, env: Mapping[str, str]) -> Iterator[Family]:
    read_end, write_end = os.pipe()
    program = str(Path(__file__).with_name("family_program.py"))
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", program, repr(tree), str(write_end)],
        env=dict(env),
        pass_fds=[write_end],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
    )
    os.close(write_end)
    pids: frozenset[int] = frozenset()
    try:
        pids = frozenset(int(line) for line in until.lines(read_end, size(tree)))
        assert len(pids) == size(tree), (tree, pids)
        yield Family(root=process.pid, pids=pids)
    finally:
        # As long as the other end of the pipe is open some of ours live, so the numbers are still theirs.
        while not _has_ended(read_end):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        os.close(read_end)
        process.wait()


def _has_ended(pipe: int) -> bool:
    ready, _, _ = select.select([pipe], [], [], 0.05)
    return bool(ready) and os.read(pipe, 65536) == b""
