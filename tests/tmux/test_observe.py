"""The one reading: whatever a server holds, it is read as it is or not at all."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies

from orchestra.model import errors, status
from orchestra.tmux import observe
from tests.support import live

ROW = b"P $0 @0 %0 0 0 7 0 1 1 0 80 24 0 1700000000 0 0 0"
LINE = b"S 12 34 4:3.3a 0: 0: 0: 0:\n"


def texts(*values: bytes) -> bytes:
    return b"".join(b" %d:%s" % (len(value), value) for value in values)


def reply(name: bytes, mark: bytes = b"") -> bytes:
    row = ROW + texts(
        *(b"a", b"", b""),
        *(name, b"b25d,80x24,0,0,0", b"", b"", b"", b""),
        *(b"", b"", b"/dev/pts/0", b"title", mark, b"", b"", b"", b"", b""),
    )
    return LINE + row + b"\n"


def parsed(raw: bytes) -> observe.Reading | None:
    try:
        return observe.parse(raw)
    except errors.TmuxUnavailable:
        return None


@pytest.mark.torture
@hypothesis.given(strategies.binary(max_size=400))
def test_any_bytes(raw: bytes) -> None:
    parsed(raw)
    parsed(LINE + raw)
    parsed(LINE + ROW + raw)


@pytest.mark.torture
@hypothesis.given(strategies.data())
def test_a_reply_that_is_cut_or_changed(data: strategies.DataObject) -> None:
    whole = reply(b"w", b"world a/p 0123456789ab - done 0") * 3
    at = data.draw(strategies.integers(0, len(whole)))
    parsed(whole[:at])
    parsed(
        whole[:at]
        + data.draw(strategies.binary(max_size=5))
        + whole[at + data.draw(strategies.integers(0, 9)) :]
    )


@pytest.mark.torture
@hypothesis.given(strategies.binary(max_size=60))
def test_a_text_is_taken_whole(name: bytes) -> None:
    reading = observe.parse(reply(name))
    ((window,),) = (session.windows for session in reading.server.sessions)
    assert window.name.encode(errors="surrogateescape") == name


@pytest.mark.torture
@hypothesis.given(strategies.text(max_size=60) | strategies.from_regex(r"w a/p u f done \d+\Z"))
@hypothesis.example("w a/p u f done 00")
def test_any_mark(text: str) -> None:
    mark = status.Mark.parse(text)
    assert mark is None or str(mark) == text  # it is compared as a whole before anything is destroyed
    assert parsed(reply(b"w", text.encode(errors="surrogateescape"))) is not None


@pytest.mark.parametrize("typed", ["9" * 20, "9" * 5000])
def test_a_forged_mark_hides_nothing(typed: str) -> None:
    reading = parsed(reply(b"w", f"world a/p u f done {typed}".encode()))
    assert reading is not None
    assert [len(session.windows) for session in reading.server.sessions] == [1]


FORGERIES = (
    "two\nlines",
    "\n",
    "x" + reply(b"forged").decode(),
    " 1:x 2:yy",
    "0:",
    "P $9 @9 %9 0 0 7 0 1 1 0 80 24 0 17 0 0 0",
    "S 1 1 0: 0: 0: 0: 0:",
    "C 1 1:x 1:x",
    "\x1b[31m\x07\x7f\\033",
    "é€😀 \u2028 \u202e",
    "#{pane_id} #(touch canary) #[fg=red]",
    ";",
    "a" * 5000,
)


def test_names_and_options_that_look_like_rows(tmux: live.Live) -> None:
    tmux.tmux("-f", "/dev/null", "new-session", "-d", "-s", "base", "sleep", "99999")
    before = tmux.assembly.tmux.observe()
    for number, text in enumerate(FORGERIES):
        word = text[:-1] + "\\;" if text.endswith(";") else text
        tmux.tmux("new-window", "-d", "-n", word.replace("#", "##"), "sleep", "99999")
        for level, option in (("", observe.SESSION), ("-w", observe.WINDOW), ("-p", observe.PANE)):
            tmux.tmux("set-option", *filter(None, (level,)), "-t", f"base:{number}", "--", option, word)
            tmux.tmux(
                "set-option", *filter(None, (level,)), "-t", f"base:{number}", "--", option + "_record", word
            )
        seen = tmux.assembly.tmux.observe()
        assert (seen.pid, seen.started) == (before.pid, before.started)
        assert [session.id for session in seen.sessions] == ["$0"]
        rows = tmux.client("list-panes", "-a", "-F", "#{window_id} #{pane_id} #{pane_pid}").stdout.split("\n")
        listed = [row.split(" ") for row in rows if row]
        places = list(status.places(seen))
        assert [[each.window.id, each.pane.id, str(each.pane.pid)] for each in places] == listed
        assert places[number].pane.record == text
        assert places[number].window.record == text
        assert {each.session.record for each in places} == {text}
        assert not (tmux.folder / "canary").exists()


def test_there_is_surely_no_server(tmux: live.Live) -> None:
    assert tmux.assembly.tmux.observe() == status.Server()
    tmux.socket.touch()
    assert tmux.assembly.tmux.observe() == status.Server()  # left behind by one that was killed
    tmux.socket.unlink()


def test_a_server_without_sessions_runs(tmux: live.Live) -> None:
    tmux.tmux("new-session", "-d", ";", "set-option", "-s", "exit-empty", "off", ";", "kill-session")
    seen = tmux.assembly.tmux.observe()
    assert seen.running
    assert seen.sessions == ()
    assert seen.pid == tmux.server_pid()


def test_unknown_is_not_absent(tmux: live.Live) -> None:
    tmux.socket.symlink_to("s")
    with pytest.raises(errors.TmuxUnavailable):
        tmux.assembly.tmux.observe()
    tmux.socket.unlink()


def test_a_server_that_is_ending(tmux: live.Live) -> None:
    """It ends with its last session; whoever looks meanwhile is told that it is there, or that it is not."""
    for _ in range(20):
        tmux.tmux("new-session", "-d", "-s", "a", "sleep", "99999")
        tmux.tmux("kill-session", "-t", "=a")
        seen = tmux.assembly.tmux.observe()
        assert seen.sessions == ()
        live.until(lambda: not tmux.server_pid())
