"""What is killed: appends without end, and tells each acknowledgement."""

from __future__ import annotations

import random
from multiprocessing.connection import Connection
from pathlib import Path

from tests.unit.store import scene

AHEAD = 5
"""Appends that wait for their acknowledgement at a time."""


def run(path: Path, seed: int, acknowledged: Connection) -> None:
    chance = random.Random(seed)
    opened = scene.make(path)
    found = opened.open()
    acknowledged.send((found.condition, found.unclean, found.reason))
    number = opened.last()
    waiting = []
    while True:
        count = chance.choice((1, 1, 3, 40))
        events = [scene.exited(number + n + 1, size=chance.choice((0, 0, 300, 6000))) for n in range(count)]
        number += count
        waiting.append(opened.append(events, state={"number": number}))
        if len(waiting) >= AHEAD:
            acknowledged.send(scene.done(waiting.pop(0))[-1].sequence)
