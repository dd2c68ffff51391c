"""`python -m benchmarks.stream`: MB/s at which a pane's raw output becomes lines (best of several rounds)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from orchestra.tmux import stream

CHUNK = 64 * 1024
SIZE = 16 * 1024 * 1024
ROUNDS = 5


def _plain(number: int) -> bytes:
    return b"%08d the quick brown fox jumps over the lazy dog, and then over another one too\r\n" % number


def _accented(number: int) -> bytes:
    return "%08d zażółć gęślą jaźń, kŕdeľ ďatľov, 日本語のテキスト, и ещё немного слов\r\n".encode() % number


def _coloured(number: int) -> bytes:
    return (
        b"\x1b[90m12:00:%02d\x1b[0m \x1b[32mINFO\x1b[0m \x1b[1mserver\x1b[0m: request %d took \x1b[33m12 ms\x1b[0m\r\n"
        % (number % 60, number)
    )


def _progress(number: int) -> bytes:
    done = number % 50
    bar = b"\r\x1b[K %3d%% [%s%s] %d kB/s" % (2 * done, b"#" * done, b"." * (50 - done), number)
    return bar + b"\r\n" if done == 49 else bar


def _binary(number: int) -> bytes:
    return random.Random(number).randbytes(80)


def _long(_: int) -> bytes:
    return b"a line that does not end "


def speed(data: bytes, chunk: int) -> float:
    best = 0.0
    for _ in range(ROUNDS):
        reader = stream.Stream("token")
        start = time.perf_counter()
        for at in range(0, len(data), chunk):
            reader.feed(data[at : at + chunk])
        best = max(best, len(data) / (time.perf_counter() - start) / 1e6)
    return best


def _of_size(made: Callable[[int], bytes], size: int) -> bytes:
    rows = [made(number) for number in range(size // 80)]
    return (b"".join(rows) * 2)[:size]


INPUTS = {
    "plain": _plain,
    "accented": _accented,
    "coloured": _coloured,
    "progress bars": _progress,
    "binary": _binary,
    "one line": _long,
}


def main() -> None:
    for name, made in INPUTS.items():
        print(f"{name:<24}{speed(_of_size(made, SIZE), CHUNK):8.1f} MB/s")
    print(f"{'plain, byte by byte':<24}{speed(_of_size(_plain, SIZE // 64), 1):8.1f} MB/s")


if __name__ == "__main__":
    main()
