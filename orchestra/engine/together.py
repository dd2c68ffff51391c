"""Many ask for the same costly reading at once: one is made for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Abandoned(Exception):
    """Whoever was to read was cancelled; one of those who wait for it reads instead."""


class Together(Generic[T]):
    """Each caller gets a reading that began after its call, never an older one; those that come while one runs share the next."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._running = asyncio.Lock()
        self._next: asyncio.Future[T] | None = None

    async def get(self) -> T:
        while self._next is not None:
            try:
                return await asyncio.shield(self._next)
            except _Abandoned:
                continue
        mine: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._next = mine
        try:
            async with self._running:
                self._next = None
                value = await self._read()
        except BaseException as error:
            if self._next is mine:
                self._next = None
            mine.set_exception(_Abandoned() if isinstance(error, asyncio.CancelledError) else error)
            mine.exception()  # those who wait get it; when nobody does it is not a leak worth a warning
            raise
        mine.set_result(value)
        return value
