"""A TCP connection, opened in bounded time."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

_LINE = 8192
"""Bytes a line read from it may have."""

Address = tuple[int, str, int]
"""Family, numeric host, port."""
Opened = TypeVar("Opened")


class Plain:
    """A socket, read by lines: an asyncio stream costs twice as much, and a hundred probes a second pay for it."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._loop = asyncio.get_running_loop()
        self._read = b""

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)

    async def readuntil(self, end: bytes) -> bytes:
        """As `asyncio.StreamReader` has it."""
        while (at := self._read.find(end)) < 0:
            if len(self._read) > _LINE:
                raise asyncio.LimitOverrunError("too long", len(self._read))
            data = await self._loop.sock_recv(self._socket, _LINE)
            if not data:
                raise asyncio.IncompleteReadError(self._read, None)
            self._read += data
        line, self._read = self._read[: at + len(end)], self._read[at + len(end) :]
        return line

    def close(self) -> None:
        self._socket.close()


async def plain(host: str, port: int, timeout: float) -> Plain:
    """As `connect`, without TLS."""
    return Plain(await _first(host, port, timeout, _connected))


async def connect(
    host: str, port: int, timeout: float, *, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To the first of the host's addresses that answers; each gets an equal share of the `timeout` seconds that are left.

    `OSError`, or `TimeoutError` (which is one).
    """

    async def opened(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        family, numeric, number = address
        return await asyncio.open_connection(
            numeric,
            number,
            family=family,
            limit=_LINE,
            ssl=tls,
            server_hostname=host if tls is not None else None,
        )

    return await _first(host, port, timeout, opened)


async def _connected(address: Address) -> socket.socket:
    family, numeric, number = address
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (numeric, number))
    except BaseException:
        made.close()
        raise
    return made


async def _first(
    host: str, port: int, timeout: float, attempt: Callable[[Address], Awaitable[Opened]]
) -> Opened:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    addresses = list(_numeric(host, port))
    if not addresses:
        async with asyncio.timeout_at(deadline):
            addresses = await _resolved(host, port)
    if len(addresses) == 1:  # the caller's timeout is enough
        return await attempt(addresses[0])
    first: OSError | None = None
    for number, address in enumerate(addresses):
        share = (deadline - loop.time()) / (len(addresses) - number)
        try:
            async with asyncio.timeout(share):
                return await attempt(address)
        except OSError as error:
            first = first or error
    raise first or OSError(f"{host} has no address")


@functools.lru_cache(maxsize=1024)
def _numeric(host: str, port: int) -> tuple[Address, ...]:
    """None where it is a name."""
    with contextlib.suppress(OSError, UnicodeError):
        return tuple(_lookup(host, port, socket.AI_NUMERICHOST))
    return ()


async def _resolved(host: str, port: int) -> list[Address]:
    """Names are looked up in a thread nobody waits for: the resolver takes its time and cannot be told to stop."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Address]] = loop.create_future()

    def deliver(addresses: list[Address] | None, error: OSError | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(addresses or [])

    def look() -> None:
        addresses, problem = None, None
        try:
            addresses = _lookup(host, port, 0)
        except (OSError, UnicodeError) as error:
            words = error.strerror if isinstance(error, OSError) else "not a host name"
            problem = OSError(f"cannot resolve {host}: {words}")
        with contextlib.suppress(RuntimeError):  # the loop is closed by now
            loop.call_soon_threadsafe(deliver, addresses, problem)

    threading.Thread(target=look, name=f"resolve {host}", daemon=True).start()
    return await answer


def _lookup(host: str, port: int, flags: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys((family, str(where[0]), port) for family, _, _, _, where in found))
