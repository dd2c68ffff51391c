"""`send_keys`: each line is typed once, when the shell waits for it, whatever happens in between."""

from __future__ import annotations

import contextlib
import os
import shlex
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from orchestra.engine.apply import execute
from orchestra.model import spec
from tests.support import live

TEXTS = (
    "one", "two words", "it's", '"quoted"', "$HOME ${HOME} $(touch canary) `touch canary`", "#(touch canary)", "a;", "\\", "!!",
    "tab\there", "é€😀", "-n", "%s", "~", "*", "x" * 2000, "",
)  # fmt: skip


@pytest.fixture
def bash() -> Iterator[live.Live]:
    with contextlib.closing(live.Live(shell="/bin/bash")) as made:
        yield made


def workspace(tmux: live.Live, *lines: str, **more: Any) -> spec.Workspace:
    pane = spec.Pane(address="s/it", dir=str(tmux.folder), send_keys=lines, **more)
    beside = spec.Pane(address="s/beside", dir="/", command=("sleep", "99999"))
    session = spec.Session(name="s", windows=(spec.Window(name="main", panes=(pane, beside)),))
    return spec.Workspace(name=live.WORKSPACE, file="/w.yaml", sessions=(session,))


def lines_for(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Each adds its text to a file, and ends only after the line was read as a whole."""
    return tuple(f"printf '%s\\n' {shlex.quote(text)} >>log" for text in texts)


def logged(tmux: live.Live, count: int) -> list[str]:
    log = tmux.folder / "log"
    live.until(lambda: log.exists() and log.read_text().count("\n") >= count, f"{count} lines")
    return log.read_text().split("\n")[:-1]


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/sh"])
def test_each_line_once_and_in_order(bash: live.Live, shell: str) -> None:
    texts = (
        TEXTS
        if shell == "/bin/bash"
        else tuple(text for text in TEXTS if "\t" not in text and len(text) < 1000)
    )
    outcome = bash.apply(workspace(bash, *lines_for(texts), shell=shell))
    assert outcome.result.ok
    assert logged(bash, len(texts)) == list(texts)
    assert not (bash.folder / "canary").exists()
    assert bash.preview(workspace(bash, *lines_for(texts), shell=shell)).empty
    assert bash.apply(workspace(bash, *lines_for(texts), shell=shell)).result.ok
    assert logged(bash, len(texts)) == list(texts)


def test_not_before_there_is_a_prompt(bash: live.Live) -> None:
    """A profile that takes its time, and reads: what is typed too early would be swallowed."""
    fifo = bash.folder / "go"
    os.mkfifo(fifo)
    (bash.folder / ".bash_profile").write_text(
        "touch reading; read -r line <go; read -r -t 0.1 -n 1000 swallowed\n"
    )
    outcomes: list[bool] = []
    applying = threading.Thread(
        target=lambda: outcomes.append(bash.apply(workspace(bash, *lines_for(("one", "two")))).result.ok)
    )
    applying.start()
    live.until((bash.folder / "reading").exists)
    screen = bash.screen(bash.pane("s/it").pane_id)
    fifo.write_text("go\n")
    applying.join(live.DEADLINE)
    assert outcomes == [True]
    assert logged(bash, 2) == ["one", "two"]
    assert not [line for line in screen if "printf" in line]


def test_a_line_that_takes_its_time(bash: live.Live) -> None:
    """The next one is not typed into what the one before runs."""
    reads = "echo ready >ready; read -r -n 1 -t 0.3 typed; printf '%s\\n' \"<$typed>\" >>log"
    assert bash.apply(workspace(bash, reads, *lines_for(("two",)))).result.ok
    assert logged(bash, 2) == ["<>", "two"]


class Died(BaseException):
    pass


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 4))
def test_applying_is_cut_off_between_lines(bash: live.Live, at: int, after: bool) -> None:
    """The next apply goes on with the first line that was not typed, and the shell is the same one."""
    tmux = bash.assembly.tmux
    real, calls = tmux.type_line, 0

    def dying(*words: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at and not after:
            raise Died
        outcome = real(*words)
        if calls == at:
            raise Died
        return outcome

    desired = workspace(bash, *lines_for(("one", "two", "three")))
    tmux.type_line = dying  # type: ignore[method-assign, assignment]
    with pytest.raises(BaseExceptionGroup):
        bash.apply(desired)
    tmux.type_line = real  # type: ignore[method-assign]
    row = bash.pane("s/it")
    made = bash.preview(desired)
    if not (after and at == 3):
        ((cause,),) = (change.causes for change in made.changes if change.address == "s/it")
        left = 3 - (at if after else at - 1)
        assert cause.reason.startswith(f"{left} line")
    assert bash.apply(desired).result.ok
    assert logged(bash, 3) == ["one", "two", "three"]
    assert bash.pane("s/it").pid == row.pid
    assert bash.preview(desired).empty


def test_changed_lines_restart_the_shell(bash: live.Live) -> None:
    assert bash.apply(workspace(bash, *lines_for(("one",)))).result.ok
    logged(bash, 1)
    row = bash.pane("s/it")
    assert bash.apply(workspace(bash, *lines_for(("two",)))).result.ok
    assert logged(bash, 2) == ["one", "two"]
    assert (bash.pane("s/it").pane_id, bash.pane("s/it").pid == row.pid) == (row.pane_id, False)


def test_a_person_looks_back_and_types_everywhere(bash: live.Live) -> None:
    """Copy mode and synchronized panes swallow and multiply keys; lines are for this shell alone."""
    one = workspace(bash, *lines_for(("one",)))
    assert bash.apply(one).result.ok
    logged(bash, 1)
    beside = bash.pane("s/beside").pane_id
    bash.tmux("set-option", "-wt", beside, "synchronize-panes", "on")
    bash.tmux("copy-mode", "-t", bash.pane("s/it").pane_id)
    assert bash.apply(workspace(bash, *lines_for(("two",)))).result.ok
    assert logged(bash, 2) == ["one", "two"]
    assert bash.screen(beside) == []


def test_a_shell_without_a_prompt_is_told(bash: live.Live) -> None:
    (bash.folder / ".bash_profile").write_text("exec sleep 99999\n")
    settings = execute.Settings(timeout=timedelta(milliseconds=300))
    outcome = bash.apply(workspace(bash, "echo one"), settings)
    ((address, reason),) = outcome.result.failed
    assert address == "s/it"
    assert "line 1 of send_keys was not typed: the shell showed no prompt" in reason


def test_the_shell_ends_meanwhile(bash: live.Live) -> None:
    outcome = bash.apply(workspace(bash, "exit 3", "echo two"))
    assert outcome.result.failed == (("s/it", "line 2 of send_keys was not typed: its shell ended"),)
    assert bash.apply(workspace(bash, *lines_for(("one",)))).result.ok
    assert logged(bash, 1) == ["one"]
