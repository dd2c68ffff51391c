"""How many events a second the journal takes, and how long an acknowledgement takes: `python -m benchmarks.journal`.

Prints a markdown table. `--at DIR` names the disk; every figure depends on how fast that syncs, so this is measured too.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path

from orchestra.host import clock
from orchestra.model import errors, event
from orchestra.store import journal

_EVENTS = 200_000
_RATE = 10_000
"""Events a second of the steady load."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.journal", description=__doc__)
    parser.add_argument(
        "--at", type=Path, metavar="DIR", help="where the file is made (default: the temporary directory)"
    )
    parser.add_argument("--seconds", type=int, default=10, metavar="N", help="of steady load (default: 10)")
    options = parser.parse_args()
    print("| what | events/s | acknowledged after, ms: median | p99 | most |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=options.at) as folder:
        place = Path(folder)
        _row("one fsync of 4 KiB", *_fsync(place))
        for size in (1, 10, 100, 1000):
            with _opened(place / f"batch{size}") as opened:
                _row(f"as fast as it takes them, {size} an append", *_flood(opened, size))
        with _opened(place / "one") as opened:
            _row("one by one, each waited for", *_one_by_one(opened))
        with _opened(place / "steady") as opened:
            _row(f"{_RATE} a second for {options.seconds} s", *_steady(opened, options.seconds))
        path = place / "read" / "journal.db"
        with _opened(path.parent) as opened:
            _flood(opened, 1000)
            _row("read, 1000 at a time", *_read(opened))
            size = path.stat().st_size
            began = time.perf_counter()
            deleted = opened.retain(timedelta(days=1), size // 2)
            spent = time.perf_counter() - began
            print(f"\nretention to half of {size / 1e6:.0f} MB: {deleted} events in {spent:.2f} s")
        began = time.perf_counter()
        with _opened(path.parent):
            spent = time.perf_counter() - began
            print(f"\nopening {path.stat().st_size / 1e6:.0f} MB: {1000 * spent:.0f} ms")
        path.write_bytes(b"\xff" * 4096 + path.read_bytes()[4096:])
        began = time.perf_counter()
        opened = journal.Journal(path, clock.Clock())
        found = opened.open()
        print(f"\nrepairing it: {found.rescued} events in {time.perf_counter() - began:.2f} s")
        opened.close()


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[journal.Journal]:
    folder.mkdir(mode=0o700, exist_ok=True)
    with journal.Journal(folder / "journal.db", clock.Clock()) as opened:
        yield opened


def _row(what: str, rate: float, times: list[float]) -> None:
    figures = [
        1000 * each for each in (statistics.median(times), sorted(times)[len(times) * 99 // 100], max(times))
    ]
    print(f"| {what} | {rate:,.0f} | " + " | ".join(f"{each:.1f}" for each in figures) + " |", flush=True)


def _events(first: int, count: int) -> list[event.Event]:
    now = clock.Clock().now()
    return [
        event.Event(
            body=event.PaneExited(id=f"%{n % 50}", pid=n, exit_code=0),
            time=now,
            workspace="shop",
            address="api/server",
        )
        for n in range(first, first + count)
    ]


class _Acknowledgements:
    def __init__(self) -> None:
        self.times: list[float] = []

    def expect(self, answer: Future[tuple[event.Event, ...]]) -> None:
        began = time.perf_counter()
        answer.add_done_callback(lambda _: self.times.append(time.perf_counter() - began))


def _flood(opened: journal.Journal, size: int) -> tuple[float, list[float]]:
    appends = [_events(first, size) for first in range(0, _EVENTS, size)]
    told, waiting = _Acknowledgements(), deque[Future[tuple[event.Event, ...]]]()
    began = time.perf_counter()
    for each in appends:
        while True:
            try:
                answer = opened.append(each)
                break
            except errors.JournalFull:
                waiting.popleft().result()
        told.expect(answer)
        waiting.append(answer)
    waiting[-1].result()
    return _EVENTS / (time.perf_counter() - began), told.times


def _one_by_one(opened: journal.Journal) -> tuple[float, list[float]]:
    times = _timed(lambda n: opened.append(_events(n, 1)).result(), 1000)
    return len(times) / sum(times), times


def _steady(opened: journal.Journal, seconds: int) -> tuple[float, list[float]]:
    """Ten at a time, on the beat; a beat that is late is made up for."""
    told, count = _Acknowledgements(), _RATE * seconds
    began = time.perf_counter()
    for first in range(0, count, 10):
        if (early := began + first / _RATE - time.perf_counter()) > 0:
            time.sleep(early)
        told.expect(opened.append(_events(first, 10)))
    opened.append([]).result()
    return count / (time.perf_counter() - began), told.times


def _read(opened: journal.Journal) -> tuple[float, list[float]]:
    times = _timed(lambda n: opened.read(n * 1000, limit=1000), 100)
    return 100_000 / sum(times), times


def _fsync(folder: Path) -> tuple[float, list[float]]:
    with (folder / "fsync").open("wb", buffering=0) as file:

        def write(_: int) -> None:
            file.write(b"x" * 4096)
            os.fsync(file.fileno())

        times = _timed(write, 300)
    return len(times) / sum(times), times


def _timed(work: Callable[[int], object], rounds: int) -> list[float]:
    times = []
    for each in range(rounds):
        began = time.perf_counter()
        work(each)
        times.append(time.perf_counter() - began)
    return times


if __name__ == "__main__":
    main()
