"""Typing by hand: into the pane that is meant, all of it, once, or not at all."""

from __future__ import annotations

import contextlib
import itertools
import os
import pty
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

import hypothesis
import pytest

from orchestra.engine import hands
from orchestra.model import errors, hand, names, status
from orchestra.plan import addressing
from tests.support import live

Find = Callable[[status.Server], hand.Meant]
RAW = "stty raw -echo; echo ready; exec cat >"
LINES = "stty -echo; echo ready; exec cat >"


def times(short: int, long: int) -> int:
    """Long under `make torture`."""
    return long if hypothesis.settings.get_current_profile_name() == "torture" else short


def called(address: str) -> Find:
    return lambda server: addressing.pane(server, address)


def pasted(data: bytes) -> Callable[[hand.Meant], hands.Prepared]:
    return lambda _: hands.Prepared(strokes=(hand.Paste(data=data),))


class Panes:
    """Panes whose programs write down what they are typed, called `s/NAME`."""

    def __init__(self, tmux: live.Live) -> None:
        self.tmux = tmux
        self.ids: dict[str, str] = {}

    def add(self, *names: str, session: str = "s", program: str = LINES) -> None:
        for name in names:
            log = self.tmux.folder / f"{session}.{name}"
            words = ["sh", "-c", f"{program} {log}"]
            there = self.tmux.client("has-session", "-t", f"={session}").returncode == 0
            made = (
                ["split-window", "-d", "-t", f"={session}:"]
                if there
                else ["new-session", "-d", "-s", session, "-x", "200", "-y", "200"]
            )
            id_ = self.tmux.tmux(*made, "-P", "-F", "#{pane_id}", *words).strip()
            self.tmux.tmux("set-option", "-pt", id_, "@orchestra_name", name)
            self.ids[f"{session}/{name}"] = id_
            live.until(lambda id_=id_: "ready" in self.tmux.screen(id_), f"{name} to listen")  # type: ignore[misc]
            if there:
                self.tmux.tmux("select-layout", "-t", f"={session}:", "tiled")

    def typed(self, address: str) -> bytes:
        return (self.tmux.folder / address.replace("/", ".")).read_bytes()

    def got(self, address: str, data: bytes) -> None:
        live.until(lambda: self.typed(address) == data, f"{len(data)} bytes in {address}")


@pytest.fixture
def panes(tmux: live.Live) -> Panes:
    return Panes(tmux)


def test_a_megabyte_arrives_byte_for_byte(panes: Panes) -> None:
    panes.add("a", program=RAW)
    data = bytes(range(256)) * 2 + random.Random(7).randbytes(1024 * 1024 - 512)
    panes.tmux.assembly.hands.put(called("s/a"), pasted(data))
    panes.got("s/a", data)
    assert panes.tmux.tmux("list-buffers") == ""


@contextlib.contextmanager
def person(tmux: live.Live) -> Iterator[str]:
    """Attached, in a terminal of their own."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        ["tmux", "-u", "-S", str(tmux.socket), "attach-session"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=tmux.environ,
        start_new_session=True,
    ) as process:
        os.close(slave)
        try:
            yield live.until(lambda: tmux.tmux("list-clients", "-F", "#{client_name}").strip(), "a client")
        finally:
            process.terminate()
            process.wait()
            os.close(master)


def test_what_is_typed_stands_in_no_log_of_tmux(panes: Panes) -> None:
    panes.add("a")
    panes.tmux.assembly.hands.put(called("s/a"), pasted(b"pass" + b"word\n"))
    panes.got("s/a", b"password\n")
    with person(panes.tmux) as client:
        log = panes.tmux.tmux("show-messages", "-t", client)
    assert "paste-buffer" in log
    assert "password" not in log


def test_only_the_one_pane_of_a_synchronized_window(panes: Panes) -> None:
    panes.add("a", "b")
    panes.tmux.tmux("set-option", "-w", "-t", "=s:", "synchronize-panes", "on")
    by = panes.tmux.assembly.hands
    by.put(called("s/a"), pasted(b"pasted\n"))
    by.put(called("s/a"), lambda _: hands.Prepared(strokes=(hand.Keys(keys=("keys;", "Enter")),)))
    panes.got("s/a", b"pasted\nkeys;\n")
    assert panes.typed("s/b") == b""
    assert panes.tmux.tmux("display-message", "-p", "-t", panes.ids["s/a"], "#{pane_synchronized}") == "1\n"


def test_what_a_pane_cannot_take_is_refused_with_the_reason(panes: Panes) -> None:
    panes.add("a")
    pane, by, tmux = panes.ids["s/a"], panes.tmux.assembly.hands, panes.tmux
    tmux.tmux("copy-mode", "-t", pane)
    with pytest.raises(errors.Conflict, match="copy mode"):
        by.put(called("s/a"), pasted(b"lost\n"))
    by.put(called("s/a"), pasted(b"one\n"), leave_mode=True)
    panes.got("s/a", b"one\n")
    assert tmux.tmux("display-message", "-p", "-t", pane, "#{pane_in_mode}") == "0\n"
    tmux.tmux("copy-mode", "-t", pane)
    by.put(called("s/a"), pasted(b"two\n"), force=True)
    panes.got("s/a", b"one\ntwo\n")
    assert tmux.tmux("display-message", "-p", "-t", pane, "#{pane_in_mode}") == "1\n"
    tmux.tmux("send-keys", "-t", pane, "-X", "cancel")
    tmux.tmux("select-pane", "-d", "-t", pane)
    with pytest.raises(errors.Conflict, match="switched off"):
        by.put(called("s/a"), pasted(b"lost\n"), force=True)
    tmux.tmux("select-pane", "-e", "-t", pane)
    tmux.tmux("set-option", "-pt", pane, "remain-on-exit", "on")
    pid = int(tmux.tmux("display-message", "-p", "-t", pane, "#{pane_pid}"))
    with live.ended(pid):
        os.kill(pid, signal.SIGKILL)
    live.until(lambda: tmux.tmux("display-message", "-p", "-t", pane, "#{pane_dead}") == "1\n")
    with pytest.raises(errors.Conflict, match="has ended"):
        by.put(called("s/a"), pasted(b"lost\n"))
    assert panes.typed("s/a") == b"one\ntwo\n"


CHANGES = {
    "another name": lambda panes: panes.tmux.tmux("set-option", "-pt", panes.ids["s/a"], "@orchestra_name", "z"),
    "another session's name": lambda panes: panes.tmux.tmux("rename-session", "-t", "=s", "z"),
    "gone": lambda panes: panes.tmux.tmux("kill-pane", "-t", panes.ids["s/a"]),
    "copy mode": lambda panes: panes.tmux.tmux("copy-mode", "-t", panes.ids["s/a"]),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_since_the_look_is_seen_in_the_step_that_types(panes: Panes, change: str) -> None:
    panes.add("a", "b")
    tmux = panes.tmux.assembly
    meant = called("s/a")(tmux.tmux.observe())
    CHANGES[change](panes)
    message = hand.Message(meant=meant, strokes=(hand.Paste(data=b"lost\n"), hand.ENTER), id=hands.new_id())
    (verdict,) = tmux.keyboard.send([message])
    assert verdict is (hand.Verdict.IN_MODE if change == "copy mode" else hand.Verdict.MOVED)
    assert panes.typed("s/b") == b""
    assert panes.tmux.tmux("list-buffers") == ""


def test_a_number_means_what_it_meant_when_it_was_looked_at(panes: Panes) -> None:
    panes.add("a", "b", "c")
    tmux = panes.tmux.assembly
    meant = called("s/1")(tmux.tmux.observe())
    known = {id_: name for name, id_ in panes.ids.items()}
    first, second = (known[each] for each in meant.order[1:])
    assert meant.id == panes.ids[first]
    panes.tmux.tmux("swap-pane", "-d", "-s", panes.ids[first], "-t", panes.ids[second])
    message = hand.Message(meant=meant, strokes=(hand.Paste(data=b"lost\n"),), id=hands.new_id())
    assert tmux.keyboard.send([message]) == [hand.Verdict.MOVED]
    tmux.hands.put(called("s/1"), pasted(b"one\n"))
    panes.got(second, b"one\n")
    assert panes.typed(first) == b""


def test_another_life_of_the_server_has_other_panes(panes: Panes) -> None:
    panes.add("a")
    tmux = panes.tmux.assembly
    meant = called("s/a")(tmux.tmux.observe())
    panes.tmux.kill_server()
    live.until(lambda: panes.tmux.server_pid() == 0)
    panes.add("a")
    assert panes.ids["s/a"] == meant.id
    message = hand.Message(meant=meant, strokes=(hand.Paste(data=b"lost\n"),), id=hands.new_id())
    assert tmux.keyboard.send([message]) == [hand.Verdict.MOVED]


HOSTILE = ("a,b}c", "#{pane_id}", "#(touch canary)", "##[x", "a b", "-x", "é😀", "$HOME; x", "'\"", "\\", "*")


def test_whatever_it_is_called(panes: Panes) -> None:
    panes.add("a")
    tmux, by = panes.tmux, panes.tmux.assembly.hands
    sent = b""
    for number, name in enumerate(HOSTILE):
        tmux.tmux("set-option", "-pt", panes.ids["s/a"], "@orchestra_name", name)
        tmux.tmux("rename-session", "-t", "$0", "--", name.replace("#", "##"))
        (session,) = tmux.assembly.tmux.observe().sessions
        line = b"%d\n" % number
        by.put(called(f"{names.given(session.name)}/{name}"), pasted(line))
        sent += line
    panes.got("s/a", sent)
    assert not (tmux.folder / "canary").exists()


def test_a_message_that_is_sent_again_is_typed_once(panes: Panes) -> None:
    panes.add("a", "b")
    by = panes.tmux.assembly.hands
    for _ in range(3):
        by.put(called("s/a"), pasted(b"once\n"), id="0123456789ab")
    by.put_all([called("s/a"), called("s/b")], pasted(b"both\n"), id="ba9876543210")
    by.put_all([called("s/a"), called("s/b")], pasted(b"both\n"), id="ba9876543210")
    panes.got("s/a", b"once\nboth\n")
    panes.got("s/b", b"both\n")
    panes.tmux.tmux("copy-mode", "-t", panes.ids["s/a"])
    by.put(
        called("s/a"), pasted(b"once\n"), id="0123456789ab"
    )  # it is done, whatever the pane could take now
    with pytest.raises(errors.Conflict, match="copy mode"):
        by.put(called("s/a"), pasted(b"new\n"), id="00000000000f")


def test_into_all_or_into_none(panes: Panes) -> None:
    panes.add("a", "b", "c")
    tmux = panes.tmux.assembly
    found = [called(each)(tmux.tmux.observe()) for each in ("s/a", "s/b", "s/c")]
    panes.tmux.tmux("copy-mode", "-t", panes.ids["s/b"])
    messages = [
        hand.Message(meant=each, strokes=(hand.Paste(data=b"lost\n"),), id=hands.new_id()) for each in found
    ]
    assert tmux.keyboard.send(messages) == [hand.Verdict.HELD, hand.Verdict.IN_MODE, hand.Verdict.HELD]
    panes.tmux.tmux("send-keys", "-t", panes.ids["s/b"], "-X", "cancel")
    assert tmux.keyboard.send(messages) == [hand.Verdict.DONE] * 3
    for each in ("s/a", "s/b", "s/c"):
        panes.got(each, b"lost\n")


_CLIENT = """
import os, sys
from orchestra.daemon import assemble
from orchestra.engine import hands
from orchestra.model import hand
from orchestra.plan import addressing
by = assemble.assemble(None, sys.argv[1], os.environ).hands
stroke = hand.Paste(data=sys.argv[3].encode() + b"\\n")
print("go", flush=True)
by.put(lambda server: addressing.pane(server, "s/a"), lambda _: hands.Prepared(strokes=(stroke,)), id=sys.argv[2])
"""


@pytest.mark.torture
def test_once_though_who_types_is_killed(panes: Panes) -> None:
    """At any moment, tmux's client with it or not; and sent again until it was told that it went."""
    panes.add("a")
    dice = random.Random(11)
    killed = 0
    count = times(12, 600)
    for number in range(count):
        words = [sys.executable, "-c", _CLIENT, str(panes.tmux.socket), f"{number:012x}", f"m{number}"]
        while True:
            with subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True) as process:
                assert process.stdout is not None
                process.stdout.readline()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=dice.uniform(0, 0.03) if dice.random() < 0.6 else live.DEADLINE)
                if process.poll() == 0:
                    break
                with contextlib.suppress(ProcessLookupError):
                    if dice.random() < 0.5:
                        os.killpg(process.pid, signal.SIGKILL)
                    else:
                        process.kill()
                killed += 1
    panes.got("s/a", b"".join(b"m%d\n" % number for number in range(count)))
    assert killed


@pytest.mark.torture
def test_never_into_another_pane_while_everything_is_moved_about(panes: Panes) -> None:
    each_one = ["a", "b", "c", "d"]
    panes.add(*each_one)
    panes.add(*each_one, session="t")
    stop = threading.Event()
    churn = threading.Thread(target=_churn, args=(panes, stop))
    churn.start()
    sent: dict[str, list[bytes]] = {name: [] for name in each_one}
    by = panes.tmux.assembly.hands
    try:
        for number in range(times(60, 10_000)):
            name = each_one[number % len(each_one)]
            text = b"%s %d\n" % (name.encode(), number)
            with contextlib.suppress(errors.OrchestraError):  # nobody is called so just now
                by.put(called(f"{'st'[number % 2]}/{name}"), pasted(text))
                sent[name].append(text)
    finally:
        stop.set()
        churn.join()
    assert all(sent.values())
    for name in each_one:
        logs = [f"{session}/{name}" for session in "st"]

        def all_there(name: str = name, logs: Sequence[str] = logs) -> bool:
            lines = itertools.chain.from_iterable(
                panes.typed(each).splitlines(keepends=True) for each in logs
            )
            return sorted(lines) == sorted(sent[name])

        live.until(all_there, f"what was sent to {name}, and nothing else")


def _churn(panes: Panes, stop: threading.Event) -> None:
    """Panes are renumbered, sessions change their names with each other, panes come and go."""
    tmux, dice = panes.tmux, random.Random(3)
    ids = list(panes.ids.values())
    by_session = [[id_ for name, id_ in panes.ids.items() if name.startswith(each)] for each in "st"]
    named = ["s", "t"]
    while not stop.is_set():
        what = dice.randrange(3)
        if what == 0:
            one, other = dice.sample(by_session[dice.randrange(2)], 2)
            tmux.tmux("swap-pane", "-d", "-s", one, "-t", other)
        elif what == 1:
            tmux.tmux("rename-session", "-t", f"={named[0]}", "passing")
            tmux.tmux("rename-session", "-t", f"={named[1]}", named[0])
            tmux.tmux("rename-session", "-t", "=passing", named[1])
        else:
            made = tmux.tmux(
                "split-window", "-d", "-b", "-t", dice.choice(ids), "-P", "-F", "#{pane_id}", "cat"
            ).strip()
            tmux.tmux("set-option", "-pt", made, "@orchestra_name", "passing")
            tmux.tmux("kill-pane", "-t", made)


def test_the_folder_is_the_servers_alone(tmux: live.Live) -> None:
    """Looking at a server that does not run makes nothing."""
    with pytest.raises(errors.UsageError, match="there is no pane s/a"):
        tmux.assembly.hands.find(called("s/a"))
    assert not (tmux.folder / "state").exists()


def test_a_session_that_ended_with_what_ran_in_it_while_it_was_to_be_killed(panes: Panes) -> None:
    """It was the last one: with it the server goes."""
    panes.add("a")
    seen = panes.tmux.assembly.tmux.observe()
    panes.tmux.kill_server()
    panes.tmux.socket.unlink()
    with live.leaving(panes.tmux.socket):
        assert not panes.tmux.assembly.keyboard.kill_session(seen.sessions[0], seen.epoch)
