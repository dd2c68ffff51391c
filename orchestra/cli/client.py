"""Talking to the daemon: HTTP over its unix socket. The standard library's client, because every command that asks pays for its import."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib import parse

from orchestra.host import unix_socket
from orchestra.model import errors

PATIENCE = 10.0
"""Seconds for an answer that is no stream."""


class Absent(errors.OrchestraError):
    """No daemon answers there."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float | None) -> None:
        super().__init__("orchestra", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with unix_socket.short(self._path) as name:
            self.sock.connect(name)


class Client:
    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def is_there(self) -> bool:
        if not self.socket.is_socket():
            return False
        try:
            self.get("/v1/health")
        except errors.OrchestraError:
            return False
        return True

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        return self._ask("GET", path + _query(query))

    def text(self, path: str) -> str:
        return self._read("GET", path).decode()

    def post(self, path: str, body: Mapping[str, Any], *, patience: float = PATIENCE) -> Any:
        return self._ask("POST", path, json.dumps(body), patience)

    def stream(
        self, path: str, query: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> Iterator[tuple[str, Any]]:
        """Server-sent messages: name and content. Ends when the daemon does. `TimeoutError` after that many silent seconds."""
        connection, answer = self._send("GET", path + _query(query), None, timeout)
        try:
            name = ""
            while line := answer.readline():
                key, _, value = line.decode().rstrip("\n").partition(": ")
                if key == "event":
                    name = value
                elif key == "data":
                    yield name, json.loads(value)
        except (ConnectionError, http.client.HTTPException):
            return
        finally:
            answer.close()
            connection.close()

    def _ask(self, method: str, path: str, body: str | None = None, patience: float = PATIENCE) -> Any:
        text = self._read(method, path, body, patience)
        try:
            return json.loads(text)
        except ValueError as error:
            raise Absent(f"the daemon on {self.socket} does not answer: {error}") from error

    def _read(self, method: str, path: str, body: str | None = None, patience: float = PATIENCE) -> bytes:
        connection, answer = self._send(method, path, body, patience)
        try:
            return answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Absent(f"the daemon on {self.socket} does not answer: {error}") from error
        finally:
            answer.close()
            connection.close()

    def _send(
        self, method: str, path: str, body: str | None, timeout: float | None
    ) -> tuple[_Connection, http.client.HTTPResponse]:
        connection = _Connection(self.socket, timeout)
        try:
            connection.request(
                method, path, body, {"Content-Type": "application/json"} if body is not None else {}
            )
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Absent(
                f"no daemon answers on {self.socket}", hint="start it with: orchestra daemon start"
            ) from error
        if answer.status >= 400:
            text = answer.read()
            answer.close()
            connection.close()
            raise _refused(answer.status, text)
        return connection, answer


def _refused(code: int, text: bytes) -> errors.OrchestraError:
    try:
        told = json.loads(text)
        first: Mapping[str, Any] = next(iter(told.get("diagnostics", ())), {})
        message = told.get("message") or told.get("detail") or code
        return errors.OrchestraError(str(message), hint=first.get("hint"))
    except (ValueError, AttributeError):
        return errors.OrchestraError(f"the daemon answered with {code}")


def _query(query: Mapping[str, Any] | None) -> str:
    pairs: list[tuple[str, str]] = []
    for name, value in (query or {}).items():
        if value is None or value is False:
            continue
        values: Sequence[Any] = value if isinstance(value, list | tuple) else [value]
        pairs += [(name, "true" if each is True else str(each)) for each in values]
    return f"?{parse.urlencode(pairs)}" if pairs else ""
