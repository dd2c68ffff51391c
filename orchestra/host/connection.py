"""A TCP connection, opened in bounded time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading

_LINE = 8192
"""Bytes a line read from it may have."""

Address = tuple[int, str, int]
"""Family, numeric host, port."""


async def connect(
    host: str, port: int, timeout: float, *, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To the first of the host's addresses that answers; each gets an equal share of the `timeout` seconds that are left.

    `OSError`, or `TimeoutError` (which is one).
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    async with asyncio.timeout_at(deadline):
        addresses = await _addresses(host, port)
    first: OSError | None = None
    for number, (family, numeric, port_number) in enumerate(addresses):
        share = (deadline - loop.time()) / (len(addresses) - number)
        try:
            async with asyncio.timeout(share):
                return await asyncio.open_connection(
                    numeric,
                    port_number,
                    family=family,
                    limit=_LINE,
                    ssl=tls,
                    server_hostname=host if tls is not None else None,
                )
        except OSError as error:
            first = first or error
    raise first or OSError(f"{host} has no address")


async def _addresses(host: str, port: int) -> list[Address]:
    """Names are looked up in a thread nobody waits for: the resolver takes its time and cannot be told to stop."""
    with contextlib.suppress(OSError, UnicodeError):
        return _lookup(host, port, socket.AI_NUMERICHOST)
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
