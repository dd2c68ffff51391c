from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestra.host import bulletins
from orchestra.model import errors

OF_APPRISE = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""A module of Python's that one of its plugins loads."""


@contextlib.contextmanager
def service(status: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Apprise's address of one that answers so, and what it was sent."""
    got: list[dict[str, Any]] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"json://me:secret@127.0.0.1:{server.server_port}/", got
        finally:
            server.shutdown()


@OF_APPRISE
def test_a_notice_reaches_the_services_as_it_is() -> None:
    text = "<b>$(id) \\n {{ event }} @everyone</b> :smile:"
    with service(200) as (one, first), service(200) as (two, second):
        bulletins.by_services([one, two], "web failed", text)
        bulletins.by_services([one], "web failed", "")
        bulletins.by_services([f"{two}?format=html"], "web failed", text)
    assert [(each["title"], each["message"]) for each in first] == [
        ("web failed", text),
        ("web failed", "web failed"),
    ]
    assert [each["message"].partition("$")[0] for each in second] == ["<b>", "&lt;b&gt;"]


@OF_APPRISE
def test_a_service_that_refuses_is_told_without_its_address() -> None:
    with (
        service(500) as (address, got),
        pytest.raises(errors.ActionFailed, match="did not take the notice") as raised,
    ):
        bulletins.by_services([address], "web failed", "text")
    assert got
    assert "secret" not in str(raised.value)
    with pytest.raises(errors.ActionFailed, match="does not know such an address") as raised:
        bulletins.by_services(["nonsense://secret"], "web failed", "text")
    assert "secret" not in str(raised.value)


def test_what_an_event_says_is_no_markup_on_a_desktop(tmp_path: Path) -> None:
    program = tmp_path / "notify-send"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/given\n")
    program.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "DISPLAY": ":9"}
    assert bulletins.has_desktop(environ)
    text = 'if a < b & c: <img src="file:///x"/>'
    asyncio.run(bulletins.on_desktop("-t <i>", text, timedelta(seconds=10), environ))
    assert (tmp_path / "given").read_text().splitlines()[1:] == [
        "--", "-t <i>", 'if a &lt; b &amp; c: &lt;img src="file:///x"/&gt;',
    ]  # fmt: skip
