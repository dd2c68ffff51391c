"""Waiting for the world, with a deadline."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable


def true(condition: Callable[[], bool], within: float = 10.0) -> bool:
    """Whether it became true in time."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.002)
    return True


def lines(fd: int, count: int, within: float = 10.0) -> list[str]:
    """The next `count` lines of a pipe; fewer when it ends or the time is over."""
    deadline = time.monotonic() + within
    text = b""
    while text.count(b"\n") < count:
        ready, _, _ = select.select([fd], [], [], max(deadline - time.monotonic(), 0))
        data = os.read(fd, 65536) if ready else b""
        if not data:
            break
        text += data
    return text.decode().splitlines()
