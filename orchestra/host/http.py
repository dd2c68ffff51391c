"""An HTTP probe's request: one GET, of whose answer only the status counts."""

from __future__ import annotations

import asyncio
import base64
import functools
import re
import ssl
import urllib.parse

from orchestra.host import connection

_STATUS_LINE = re.compile(rb"HTTP/1\.\d (\d{3})(?:[ \r\n]|\Z)")
_HEADERS = 100
"""Lines read of an interim answer's headers."""


async def get(url: str, timeout: float) -> int:
    """The answer's status, without following a redirect or asking a proxy. Reads no further than the status line.

    `OSError` or `ValueError`, whose text says what went wrong. The caller bounds the whole.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an http or https URL")
    tls = _context() if parts.scheme == "https" else None
    port = parts.port or (443 if tls is not None else 80)
    reader, writer = await connection.connect(parts.hostname, port, timeout, tls=tls)
    try:
        writer.write(_request(parts))
        return await _status(reader)
    finally:
        writer.transport.abort()  # a polite goodbye would wait for the other side


@functools.cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _request(parts: urllib.parse.SplitResult) -> bytes:
    path = urllib.parse.quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = urllib.parse.quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]")
    credentials = parts.netloc.rpartition("@")[0]
    lines = [
        f"GET {path}{'?' if query else ''}{query} HTTP/1.1",
        f"Host: {_host(parts)}",
        "User-Agent: orchestra-probe",
        "Accept: */*",
        "Connection: close",
    ]
    if credentials:
        token = base64.b64encode(urllib.parse.unquote_to_bytes(credentials)).decode()
        lines.append(f"Authorization: Basic {token}")
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def _host(parts: urllib.parse.SplitResult) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host.encode("idna").decode()
    return host if parts.port is None else f"{host}:{parts.port}"


async def _status(reader: asyncio.StreamReader) -> int:
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


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError:
        raise ValueError("the answer is not HTTP") from None
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            raise ConnectionError("closed without an answer") from None
        return error.partial
