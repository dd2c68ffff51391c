from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path

from orchestra.host import bulletins


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
