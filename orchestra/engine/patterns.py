"""Regular expressions people write, over text that programs print: a search takes a bounded time, whatever meets whatever.

`regex` reads Python's own syntax and stops when its time is up, which `re` cannot (docs/decisions/0010-patterns.md).
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Iterable, Iterator
from typing import Any

from orchestra.model import errors

BUDGET = 0.1
"""Seconds a line may take."""
LONGEST = 16 * 1024
"""Characters of a line that are looked at."""


class TooSlow(errors.OrchestraError):
    """Lines took longer than their budget."""


def search(pattern: str, lines: Iterable[str], budget: float = BUDGET, whole: float = math.inf) -> str | None:
    """The first line in which `pattern` is found. As `found`."""
    return next(found(pattern, lines, budget, whole), None)


def found(
    pattern: str, lines: Iterable[str], budget: float = BUDGET, whole: float = math.inf
) -> Iterator[str]:
    """The lines in which it is. `whole`: seconds of a processor for all of them, where others wait for that. `TooSlow`."""
    compiled = _compiled(pattern)
    began = time.thread_time()
    for number, line in enumerate(lines):
        if time.thread_time() - began > whole:
            raise TooSlow(
                f"the pattern {pattern!r} took more than {whole:g} s on {number} lines: make it simpler"
            )
        try:
            if compiled.search(line[:LONGEST], timeout=budget, concurrent=True):
                yield line
        except TimeoutError:
            raise TooSlow(
                f"the pattern {pattern!r} took more than {budget * 1000:g} ms on one line: make it simpler"
            ) from None


def fault(pattern: str) -> str | None:
    """Why it is none; None when it is one."""
    import regex  # see below

    try:
        _compiled(pattern)
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        return str(error)
    return None


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    import regex  # 65 ms, and only who has a pattern needs it

    return regex.compile(pattern)
