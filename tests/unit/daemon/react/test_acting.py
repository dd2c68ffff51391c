"""What a trigger's apply asks for."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestra.daemon.react import acting
from orchestra.model import spec
from orchestra.plan import record
from orchestra.store import texts
from tests.support import live


@pytest.mark.parametrize(("kind", "absent"), [("gc.collected", ["s/p"]), ("schedule.due", [])])
def test_only_a_schedule_makes_again_what_was_collected(tmp_path: Path, kind: str, absent: list[str]) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("version: 1\n")
    texts.keep(
        tmp_path,
        "w",
        texts.Text(text="", file=str(file), folder=str(tmp_path), environment="e", variables={}),
    )
    self = SimpleNamespace(
        _assembly=SimpleNamespace(expected=lambda: SimpleNamespace(texts=tmp_path)),
        _collecting=SimpleNamespace(absent=lambda workspace: frozenset({"s/p"} if workspace == "w" else ())),
    )
    run = SimpleNamespace(workspace="w", event={"type": kind})
    asked = acting.Acting._request(cast(Any, self), cast(Any, run), True)
    assert asked == {"manifest": str(file), "env": "e", "variables": {}, "yes": True, "absent": absent}


def test_a_variable_fits_into_an_environment_whatever_its_characters() -> None:
    found = dict(
        acting.environment(
            cast(
                Any,
                SimpleNamespace(
                    token="t-0",
                    attempt=1,
                    trigger="t",
                    workspace="w",
                    event={"line": "\U0001f600\0" * 40_000, "bad": "\ud800"},
                ),
            ),
            "/s",
        )
    )
    assert len(found["ORCHESTRA_EVENT_LINE"].encode()) == acting.LONGEST
    assert set(found["ORCHESTRA_EVENT_LINE"]) == {"\U0001f600"}
    done = subprocess.run(
        ["/bin/sh", "-c", 'printf "%s" "$ORCHESTRA_EVENT_BAD"'], env=found, stdout=subprocess.PIPE, check=True
    )
    assert done.stdout == b"?"


@pytest.fixture
def shell() -> Iterator[tuple[int, int]]:
    """The first process of a terminal, and the terminal's other end."""
    pid, terminal = pty.fork()
    if not pid:
        os.execvp("bash", ["bash", "--norc", "--noprofile"])
    try:
        yield pid, terminal
    finally:
        os.close(terminal)  # it hangs up
        os.waitpid(pid, 0)


def test_a_shell_is_one_whoever_started_it(shell: tuple[int, int]) -> None:
    pid, terminal = shell

    def is_shell(command: str | None) -> bool:
        want = spec.Pane(address="s/p", command=command, dir="/")
        place = SimpleNamespace(pane=SimpleNamespace(pid=pid, record=record.pane_text(want, {})))
        return acting.Acting._is_shell(cast(Any, None), cast(Any, place))

    live.until(lambda: is_shell("bash --norc"))
    os.write(terminal, b"cat\n")
    live.until(lambda: not is_shell("bash --norc") and not is_shell(None))
    os.write(terminal, b"\4bash --norc --noprofile\n")  # within another one
    live.until(lambda: is_shell(None) and len(live.children(pid)) == 1)
    assert is_shell("bash --norc")
