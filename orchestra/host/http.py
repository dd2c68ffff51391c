"""A probe's request and a webhook's: one each, without a redirect, a proxy or a second look at the connection."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import re
import ssl
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Protocol

from orchestra.host import connection
from orchestra.model.frozen import frozen

_STATUS_LINE = re.compile(rb"HTTP/1\.\d (\d{3})(?:[ \r\n]|\Z)")
_SAID = 1024
"""Bytes kept of an answer."""
_PROBE = {"User-Agent": "orchestra-probe", "Accept": "*/*"}
_HEADERS = 100
"""Lines read of an interim answer's headers."""


async def get(url: str, timeout: float) -> int:
    """The answer's status, without following a redirect or asking a proxy. Reads no further than the status line.

    `OSError` or `ValueError`, whose text says what went wrong. The caller bounds the whole.
    """
    asked = _asked(url)
    if asked.tls:
        reader, writer = await connection.connect(asked.host, asked.port, timeout, tls=_context())
        try:
            writer.write(asked.request())
            return await _status(reader)
        finally:
            writer.transport.abort()  # a polite goodbye would wait for the other side
    plain = await connection.plain(asked.host, asked.port, timeout)
    try:
        await plain.send(asked.request())
        return await _status(plain)
    finally:
        plain.close()


async def post(url: str, timeout: float, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
    """The answer's status, and the beginning of what it says. As `get` otherwise."""
    return await _sent(url, timeout, "POST", {**headers, "Content-Length": str(len(body))}, body)


async def _sent(
    url: str, timeout: float, method: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, str]:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an http or https URL")
    tls = _context() if parts.scheme == "https" else None
    port = parts.port or (443 if tls is not None else 80)
    reader, writer = await connection.connect(parts.hostname, port, timeout, tls=tls)
    try:
        writer.write(_request(parts, method, headers) + body)
        code = await _status(reader)
        return code, await _said(reader) if method != "GET" else ""
    finally:
        writer.transport.abort()  # a polite goodbye would wait for the other side


@frozen
class _Asked:
    host: str
    port: int
    tls: bool
    request: Callable[[], bytes]
    """Made once it is connected: what is wrong with a name the resolver says better."""


@functools.lru_cache(maxsize=1024)
def _asked(url: str) -> _Asked:
    """The same ones are asked again and again."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an http or https URL")
    tls = parts.scheme == "https"
    return _Asked(
        host=parts.hostname,
        port=parts.port or (443 if tls else 80),
        tls=tls,
        request=functools.cache(lambda: _request(parts, "GET", _PROBE)),
    )


class _Lines(Protocol):
    async def readuntil(self, separator: bytes, /) -> bytes: ...


@functools.cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _request(parts: urllib.parse.SplitResult, method: str, headers: Mapping[str, str]) -> bytes:
    path = urllib.parse.quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = urllib.parse.quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]")
    credentials = parts.netloc.rpartition("@")[0]
    lines = [
        f"{method} {path}{'?' if query else ''}{query} HTTP/1.1",
        f"Host: {_host(parts)}",
        *(f"{name}: {_header(value)}" for name, value in headers.items()),
        "Connection: close",
    ]
    if credentials:
        token = base64.b64encode(urllib.parse.unquote_to_bytes(credentials)).decode()
        lines.append(f"Authorization: Basic {token}")
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def _header(value: str) -> str:
    """One line, as a header's value has to be; what Latin-1 does not have is written in UTF-8."""
    line = "".join(each if each.isprintable() else " " for each in value)
    return line.encode().decode("latin-1")


def _host(parts: urllib.parse.SplitResult) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host.encode("idna").decode()
    return host if parts.port is None else f"{host}:{parts.port}"


async def _status(reader: _Lines) -> int:
    for _ in range(10):
        match = _STATUS_LINE.match(await _line(reader))
        if match is None:
            raise ValueError("the answer is not HTTP")
        code = int(match[1])
        if code >= 200:
            return code
        for _ in range(_HEADERS):  # 1xx: the answer proper follows
            if not (await _line(reader)).strip():
                break
        else:
            break
    raise ValueError("the answer never comes to its status")


async def _said(reader: asyncio.StreamReader) -> str:
    """For people: what stands behind the headers, as much as came with them."""
    with contextlib.suppress(OSError, asyncio.LimitOverrunError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        return (await reader.read(_SAID)).decode(errors="replace")
    return ""


async def _line(reader: _Lines) -> bytes:
    try:
        return await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError:
        raise ValueError("the answer is not HTTP") from None
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            raise ConnectionError("closed without an answer") from None
        return error.partial
