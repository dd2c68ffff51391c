"""uvicorn on a unix socket that only its owner may talk to: the directory is 0700, the socket 0600, and the peer's user is looked at."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http import h11_impl

if TYPE_CHECKING:
    from fastapi import FastAPI

_CREDENTIALS = struct.Struct("3i")


class _Protocol(h11_impl.H11Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if not _is_ours(transport.get_extra_info("socket")):
            transport.abort()
            return
        super().connection_made(transport)


def _is_ours(peer: socket.socket) -> bool:
    if sys.platform != "linux":
        return True  # what the directory's mode lets in
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(raw)
    return user in (os.geteuid(), 0)


class Server(uvicorn.Server):
    """Signals are the daemon's business; and it sleeps while nobody asks, where uvicorn looks at its clock ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._end = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self._end.wait()

    def end(self) -> None:
        """Whoever is being answered is cut off: streams have no end of their own."""
        self.should_exit = self.force_exit = True
        self._end.set()


def server(app: FastAPI) -> Server:
    settings: dict[str, Any] = {
        "http": _Protocol,
        "ws": "none",
        "loop": "asyncio",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_keep_alive": 60,
        "timeout_graceful_shutdown": 1,
    }
    return Server(uvicorn.Config(app, **settings))
