"""Lets processes run for a share of the time only, and lets them go when the daemon that asked for it is gone.

    PYTHON -I -S duty.py

On standard input a JSON line whenever something changes: [[SHARE, [[PID, START TIME], …]], …], parents before children. What is not in
the last line runs freely; the end of input, however it comes, frees everything. A program of its own, so that a daemon that hangs or is
killed leaves nothing stopped. It may use nothing of orchestra.
"""

import contextlib
import json
import os
import select
import signal
import sys
import time

PERIOD = 0.1
"""Seconds: one turn of running and standing still."""


def main() -> None:
    held: dict[tuple[int, int], int] = {}
    """A process's number and start time -> its pidfd."""
    sets: list[tuple[float, list[tuple[int, int]]]] = []
    waiting = b""
    os.set_blocking(0, False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        while True:
            turn = time.monotonic()
            # Parents stand still first and go on last: a shell never sees its job stopped.
            for share, keys in sorted(sets):
                _pause(max(turn + share * PERIOD - time.monotonic(), 0))
                _send(held, keys, signal.SIGSTOP)
            if not _pause(None if not sets else max(turn + PERIOD - time.monotonic(), 0)):
                for _, keys in sets:
                    _send(held, keys[::-1], signal.SIGCONT)
                continue
            try:
                piece = os.read(0, 1 << 20)
            except BlockingIOError:
                continue
            if not piece:
                return
            waiting += piece
            *lines, waiting = waiting.split(b"\n")
            if lines:
                sets = [
                    (share, [(pid, start) for pid, start in keys]) for share, keys in json.loads(lines[-1])
                ]
                _keep(held, {key for _, keys in sets for key in keys})
    finally:
        _keep(held, set())


def _pause(seconds: "float | None") -> bool:
    """Whether there is something to read."""
    return bool(select.select([0], [], [], seconds)[0])


def _send(held: "dict[tuple[int, int], int]", keys: "list[tuple[int, int]]", number: int) -> None:
    for key in keys:
        if key in held:
            with contextlib.suppress(OSError):  # it has ended
                signal.pidfd_send_signal(held[key], number)


def _keep(held: "dict[tuple[int, int], int]", wanted: "set[tuple[int, int]]") -> None:
    for key in sorted(held.keys() - wanted, reverse=True):
        _send(held, [key], signal.SIGCONT)
        os.close(held.pop(key))
    for pid, start in wanted - held.keys():
        try:
            fd = os.pidfd_open(pid)
        except OSError:
            continue
        # The descriptor stands for one process for ever; that it is the right one is known by looking after opening it.
        if _started(pid) == start:
            held[pid, start] = fd
        else:
            os.close(fd)


def _started(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  # pathlib is 5 ms, and nothing else here needs it
            return int(file.read().rpartition(b") ")[2].split()[19])
    except (OSError, IndexError):
        return -1


if __name__ == "__main__":
    main()
