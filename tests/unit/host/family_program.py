"""Run as a program: becomes a family of processes (`family.py`). Each writes its pid as a line, then waits for ever."""

from __future__ import annotations

import ast
import contextlib
import os
import signal
import sys

Tree = tuple[tuple[str, ...], tuple["Tree", ...]]


def become(tree: Tree, report: int) -> None:
    ways, children = tree
    if "orphan" in ways:
        parent = os.getpid()
        if os.fork():
            os._exit(0)
        while os.getppid() == parent:
            os.sched_yield()
    if "setsid" in ways:
        with contextlib.suppress(PermissionError):  # it leads a group already
            os.setsid()
    if "group" in ways:
        with contextlib.suppress(PermissionError):  # it leads a session already
            os.setpgid(0, 0)
    if "deaf" in ways:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "nohup" in ways:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for child in children:
        if not os.fork():
            become(child, report)
    os.write(report, f"{os.getpid()}\n".encode())
    while True:
        signal.pause()


if __name__ == "__main__":
    become(ast.literal_eval(sys.argv[1]), int(sys.argv[2]))
