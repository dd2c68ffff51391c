"""Each action on a real tmux, what holds it back, and strings that would like to be commands."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import random
import shlex
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from orchestra.model import action, spec, status
from orchestra.plan import layout
from orchestra.tmux import adapter, commands, quote
from tests.support import live

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "torture"
SLEEP = ("sleep", "99999")


def mark(address: str, uid: str | None = None, **more: object) -> status.Mark:
    uid = uid or hashlib.sha256(address.encode()).hexdigest()[:12]
    return status.Mark(workspace="world", address=address, uid=uid, **more)  # type: ignore[arg-type]


def pane(address: str, **more: object) -> spec.Pane:
    return spec.Pane(address=address, dir="/", **more)  # type: ignore[arg-type]


def seed(address: str, **more: object) -> action.Seed:
    return action.Seed(pane=pane(address, **more), mark=mark(address))


def launch(*argv: str, dir: str = "/", **env: str) -> action.Launch:
    return action.Launch(argv=argv or SLEEP, env=env, dir=dir)


def order(what: action.Action, *argv: str, dir: str = "/", **env: str) -> action.Order:
    return action.Order(action=what, launch=launch(*argv, dir=dir, **env), record="a record; of #{it}")


def session(name: str, first: str, window: str = "main") -> action.CreateSession:
    return action.CreateSession(
        address=name,
        mark=mark(name),
        record="{}",
        width=120,
        height=40,
        window=create_window(f"{name}/{window}", first),
    )


def create_window(address: str, first: str) -> action.CreateWindow:
    return action.CreateWindow(address=address, mark=mark(address), record="{}", seed=seed(first))


def create_pane(address: str, window: str) -> action.CreatePane:
    return action.CreatePane(address=address, window=window, seed=seed(address))


class Hands:
    """The adapter, and what a plain client sees."""

    def __init__(self, tmux: live.Live) -> None:
        self.live = tmux
        self.tmux: adapter.Tmux = tmux.assembly.tmux
        self.tmux.observe()

    def do(self, *orders: action.Order | action.Action) -> Sequence[action.Outcome]:
        return self.tmux.execute(
            [each if isinstance(each, action.Order) else action.Order(action=each) for each in orders]
        )

    def done(self, *orders: action.Order | action.Action) -> None:
        assert list(self.do(*orders)) == [action.Outcome()] * len(orders)

    def bind(self) -> None:
        self.tmux.bind(self.tmux.observe(), "world")

    def shape(self) -> list[tuple[str, str, str]]:
        return [(row.session, row.window, row.address) for row in self.live.rows()]

    def everything(self) -> str:
        """All that an action could have changed."""
        options = [
            self.live.client("show-options", flag, "-t", target).stdout
            for row in self.live.rows()
            for flag, target in (("-A", row.session_id), ("-w", row.window_id), ("-p", row.pane_id))
        ]
        return "\n".join([*map(str, self.live.rows()), *options, self.live.client("list-buffers").stdout])


@pytest.fixture
def hands(tmux: live.Live) -> Hands:
    made = Hands(tmux)
    made.done(
        order(session("a", "a/one")),
        order(create_window("a/logs", "a/tail")),
        order(create_pane("a/two", "a/main")),
        order(create_pane("a/three", "a/main")),
        order(session("b", "b/one")),
    )
    return made


def test_created_where_the_server_that_was_seen_has_ended_since(tmux: live.Live) -> None:
    """With its last session a server ends, but not before its last client."""
    tmux.tmux("new-session", "-d", "-s", "last")
    words = ("display-message", "-p", "here", ";", "load-buffer", "-")
    with subprocess.Popen(
        ["tmux", "-S", str(tmux.socket), *words],
        env=tmux.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == b"here\n"
        tmux.tmux("kill-session", "-t", "=last")
        hands = tmux.assembly.tmux
        seen = hands.observe()
        assert seen.running
        assert not seen.sessions
        key = hands.ensure_key()
        with live.ended(seen.pid):
            waiting.kill()
    assert list(hands.execute([order(session("a", "a/one"))])) == [action.Outcome()]
    assert hands.observe().key == key


def test_created_while_the_server_is_leaving(tmux: live.Live) -> None:
    tmux.assembly.tmux.observe()
    with live.leaving(tmux.socket):
        assert list(tmux.assembly.tmux.execute([order(session("a", "a/one"))])) == [action.Outcome()]
    assert [row.address for row in tmux.rows()] == ["a/one"]


def test_created_in_one_go(hands: Hands) -> None:
    assert hands.shape() == [
        ("a", "main", "a/one"),
        ("a", "main", "a/two"),
        ("a", "main", "a/three"),
        ("a", "logs", "a/tail"),
        ("b", "main", "b/one"),
    ]
    row = hands.live.pane("a/two")
    assert (row.session_mark, row.window_mark) == (str(mark("a")), str(mark("a/main")))
    assert row.pane_mark == str(mark("a/two"))
    seen = hands.tmux.observe()
    assert {place.pane.record for place in status.places(seen)} == {"a record; of #{it}"}
    assert [hands.tmux.pane_id(each.address) for each in hands.live.rows()] == [
        each.pane_id for each in hands.live.rows()
    ]
    sizes = [row.layout.partition(",")[2].partition(",")[0] for row in hands.live.rows()]
    assert set(sizes) == {"120x40"}


def test_a_window_more_and_a_pane_more(hands: Hands) -> None:
    hands.bind()
    active = [row.pane_id for row in hands.live.rows() if row.pane_active and row.window_active]
    hands.done(order(create_window("a/new", "a/four")), order(create_pane("a/five", "a/new")))
    hands.done(order(create_pane("a/six", "a/logs")))
    assert ("a", "new", "a/four") in hands.shape()
    assert ("a", "new", "a/five") in hands.shape()
    assert ("a", "logs", "a/six") in hands.shape()
    assert [row.pane_id for row in hands.live.rows() if row.pane_active and row.window_active] == active


def test_rename(hands: Hands) -> None:
    hands.done(
        action.Rename(kind=action.Kind.SESSION, address="b", expect=mark("b"), name="c"),
        action.Rename(kind=action.Kind.WINDOW, address="a/logs", expect=mark("a/logs"), name="L"),
    )
    assert [row[:2] for row in hands.shape()][3:] == [("a", "L"), ("c", "main")]


def test_move_pane(hands: Hands) -> None:
    around = action.WindowMark(mark=mark("b/new"), record="{}")
    hands.done(
        action.MovePane(address="a/two", expect=mark("a/two"), window="a/logs"),
        action.MovePane(address="a/three", expect=mark("a/three"), window="b/new", create=around),
        action.MovePane(address="a/one", expect=mark("a/one"), window="b/new"),
    )
    assert sorted(hands.shape()) == [
        ("a", "logs", "a/tail"),
        ("a", "logs", "a/two"),
        ("b", "main", "b/one"),
        ("b", "new", "a/one"),
        ("b", "new", "a/three"),
    ]
    assert hands.live.pane("a/one").window_mark == str(mark("b/new"))


def test_move_window(hands: Hands) -> None:
    hands.done(action.MoveWindow(address="a/main", expect=mark("a/main"), session="b"))
    assert [row[0] for row in hands.shape()] == ["a", "b", "b", "b", "b"]


def test_order(hands: Hands) -> None:
    active = {row.pane_id for row in hands.live.rows() if row.pane_active}
    hands.done(
        action.OrderPanes(window="a/main", panes=("a/three", "a/one", "a/two")),
        action.OrderWindows(session="a", windows=("a/logs", "a/main")),
    )
    assert [address for _, _, address in hands.shape()] == ["a/tail", "a/three", "a/one", "a/two", "b/one"]
    assert {row.pane_id for row in hands.live.rows() if row.pane_active} == active


def test_order_leaves_a_persons_where_they_are(hands: Hands) -> None:
    hands.live.tmux("split-window", "-d", "-t", hands.live.pane("a/one").pane_id, *SLEEP)
    hands.live.tmux("new-window", "-d", "-a", "-n", "mine", "-t", "=a:main", *SLEEP)
    hands.done(
        action.OrderPanes(window="a/main", panes=("a/three", "a/two", "a/one")),
        action.OrderWindows(session="a", windows=("a/logs", "a/main")),
    )
    assert [row[1:] for row in hands.shape() if row[0] == "a"] == [
        ("logs", "a/tail"),
        ("mine", ""),
        ("main", "a/three"),
        ("main", ""),
        ("main", "a/two"),
        ("main", "a/one"),
    ]


def test_arrange_write_focus_forget(hands: Hands) -> None:
    stack = layout.arrange("even-vertical", (None, None, None), 120, 40)
    new = mark("a/one", fingerprint="f" * 16)
    hands.done(
        action.ArrangeWindow(window="a/main", layout=stack),
        action.Write(
            kind=action.Kind.PANE, address="a/one", expect=mark("a/one"), mark=new, record="R", title="T"
        ),
        action.Focus(kind=action.Kind.PANE, address="a/three"),
        action.Focus(kind=action.Kind.WINDOW, address="a/logs"),
    )
    row = hands.live.pane("a/one")
    assert [(cell.width, cell.y) for cell in live.cells(row.layout)] == [(120, 0), (120, 14), (120, 28)]
    assert (row.pane_mark, row.title) == (str(new), "T")
    assert hands.live.pane("a/three").pane_active
    assert hands.live.pane("a/tail").window_active
    hands.done(
        action.Forget(kind=action.Kind.WINDOW, address="a/main", expect=mark("a/main")),
        action.Forget(kind=action.Kind.SESSION, address="a", expect=mark("a")),
        action.Forget(kind=action.Kind.PANE, address="a/one", expect=new),
    )
    assert [(row.session_mark, row.window_mark, row.pane_mark) for row in hands.live.rows()][:1] == [
        ("", "", "")
    ]


def test_adopt(hands: Hands) -> None:
    hands.live.tmux("new-session", "-d", "-s", "mine", "-n", "work", *SLEEP)
    (row,) = (row for row in hands.live.rows() if row.session == "mine")
    hands.done(
        *(
            action.Write(kind=kind, address=address, expect=None, mark=mark(address), record="R", id=id_)
            for kind, address, id_ in (
                (action.Kind.SESSION, "c", row.session_id),
                (action.Kind.WINDOW, "c/main", row.window_id),
                (action.Kind.PANE, "c/one", row.pane_id),
            )
        )
    )
    assert hands.live.pane("c/one").pid == row.pid


def test_start_and_delete(hands: Hands) -> None:
    old = hands.live.pane("a/two")
    start = action.StartPane(
        address="a/two",
        expect=mark("a/two"),
        mark=mark("a/two", fingerprint="f" * 16),
        pane=pane("a/two", title="new"),
    )
    hands.done(order(start, "sleep", "88888"), action.DeletePane(address="a/three", expect=mark("a/three")))
    new = hands.live.pane("a/two")
    assert new.pane_id == old.pane_id
    assert new.pid != old.pid
    assert new.title == "new"
    assert ("a", "main", "a/three") not in hands.shape()


WRONG = mark("a/two", uid="ba9876543210")
ANOTHER = "it is no longer what was seen"


def guarded(expect: status.Mark | None) -> Iterable[action.Order]:
    """Every action that must not hit what is not as it was seen."""
    around = action.WindowMark(mark=mark("a/x"), record="{}")
    start = action.StartPane(address="a/two", expect=expect or WRONG, mark=mark("a/two"), pane=pane("a/two"))
    whats: list[action.Action] = [start]
    for kind, address in (
        (action.Kind.SESSION, "a"),
        (action.Kind.WINDOW, "a/main"),
        (action.Kind.PANE, "a/two"),
    ):
        whats.append(
            action.Write(kind=kind, address=address, expect=expect, mark=mark("a/x"), record="X", title="X")
        )
        if expect is not None:
            whats.append(action.Forget(kind=kind, address=address, expect=expect))
            if kind is not action.Kind.PANE:
                whats.append(action.Rename(kind=kind, address=address, expect=expect, name="X"))
    if expect is not None:
        whats += [
            action.DeletePane(address="a/two", expect=expect),
            action.MovePane(address="a/two", expect=expect, window="a/logs"),
            action.MovePane(address="a/two", expect=expect, window="a/x", create=around),
            action.MoveWindow(address="a/main", expect=expect, session="b"),
        ]
    return (order(what) for what in whats)


@pytest.mark.parametrize("expect", [WRONG, mark("a/two", stage=status.Stage.WAITING), None])
def test_what_bears_another_mark_is_not_touched(hands: Hands, expect: status.Mark | None) -> None:
    before = hands.everything()
    for each in guarded(expect):
        assert hands.do(each) == [action.Outcome(error=ANOTHER, moved=True)], each.action
        assert hands.everything() == before, each.action


def test_nothing_is_typed_into_another_pane(hands: Hands) -> None:
    before = hands.everything()
    for outcome in (
        hands.tmux.type_line("a/two", WRONG, mark("a/two"), "echo typed"),
        hands.tmux.send_keys("a/two", WRONG, ("x", "Enter")),
    ):
        assert outcome == action.Outcome(error=ANOTHER, moved=True)
    assert hands.everything() == before
    assert hands.live.screen(hands.live.pane("a/two").pane_id) == []


@pytest.mark.parametrize("end", ["kill-pane -t %2", "kill-session -t =a", "kill-server"])
def test_what_is_gone_meanwhile(hands: Hands, end: str) -> None:
    assert hands.live.pane("a/two").pane_id == "%2"
    hands.live.tmux(*end.split(" "))
    live.until(lambda: "kill-server" not in end or not hands.live.server_pid())
    hands.live.client("new-session", "-d", *SLEEP)
    before = hands.everything()
    for each in guarded(mark("a/two")):
        if "pane" not in end or each.action.address == "a/two":  # type: ignore[union-attr]
            (outcome,) = hands.do(each)
            assert outcome.error is not None, each.action
    assert hands.everything() == before


def test_what_was_never_there(hands: Hands) -> None:
    (outcome,) = hands.do(action.DeletePane(address="a/none", expect=mark("a/none")))
    assert outcome.moved


def test_one_failure_does_not_stop_the_others(hands: Hands) -> None:
    outcomes = hands.do(
        order(create_window("a/w1", "a/p1")),
        action.ArrangeWindow(window="a/main", layout="0000,80x24,0,0,0"),
        order(create_pane("a/p2", "a/w1")),
        order(create_pane("a/p3", "a/nowhere")),
        order(create_window("a/w2", "a/p4")),
    )
    assert [outcome.error is None for outcome in outcomes] == [True, False, True, False, True]
    assert outcomes[1].error is not None
    assert "0000,80x24" in outcomes[1].error
    assert {("a", "w1", "a/p1"), ("a", "w1", "a/p2"), ("a", "w2", "a/p4")} <= set(hands.shape())


@pytest.mark.parametrize("text", ["no layout", "", "tiled", "0000,", "-x"])
def test_no_layout_kills_the_server(hands: Hands, text: str) -> None:
    """3.3a dies of one that does not begin with a checksum."""
    (outcome,) = hands.do(action.ArrangeWindow(window="a/main", layout=text))
    assert outcome.error is not None
    assert len(hands.live.rows()) == 5


# Strings that would like to be more

HOSTILE = (
    "#(touch canary)",
    "##(touch canary)",
    "###(touch canary)",
    "#[fg=red]#(touch canary)",
    "#[#(touch canary)]",
    "#{?1,#(touch canary),}",
    "#{l:#(touch canary)}",
    "#{q:#{E:#(touch canary)}}",
    "#",
    "##",
    "a#",
    "$(touch canary)",
    "`touch canary`",
    "; touch canary",
    ";",
    "a;",
    "\\;",
    "' ; run-shell 'touch canary",
    '" ; run-shell "touch canary',
    "\nrun-shell 'touch canary'",
    "} run-shell 'touch canary' {",
    "%if 1",
    "%1",
    "~",
    "~/x",
    "$HOME",
    "${HOME}",
    "\\",
    "\\\\",
    "a\\",
    "\\n\\033\\u0041",
    "-t",
    "--",
    "=",
    " ",
    "  a  b ",
    "\t",
    "\r",
    "\x1b]0;x\x07",
    "\x7f",
    "é€😀",
    "\udcff\udc80",
    "%H:%M",
    "!!",
    "x" * 3000,
)


def test_nothing_is_run_that_is_only_said(hands: Hands) -> None:
    """As title, directory, argument, variable, record and session's label, byte for byte, and no canary."""
    top = hands.live.folder / "top"
    top.mkdir()
    usual = hands.live.server_pid()
    orders = []
    for number, text in enumerate(HOSTILE):
        name = text.replace("/", "_")[:200]
        folder = os.fsencode(top) + b"/" + os.fsencode(name)
        Path(os.fsdecode(folder)).mkdir(exist_ok=True)
        out = hands.live.folder / f"out-{number}"
        script = 'printf "%s\\0" "$0" "$V" "$(pwd; echo x)" >"$1.part"; mv "$1.part" "$1"; exec sleep 99999'
        what = dataclasses.replace(
            create_window(f"a/n{number}", f"a/n{number}"), record=text, seed=seed(f"a/n{number}", title=text)
        )
        made = launch("sh", "-c", script, text, str(out), dir=os.fsdecode(folder), V=text)
        orders.append(action.Order(action=what, launch=made, record=text))
    hands.done(*orders)
    seen = {
        place.pane.mark.address: place for place in status.places(hands.tmux.observe()) if place.pane.mark
    }
    for number, text in enumerate(HOSTILE):
        out = hands.live.folder / f"out-{number}"
        live.until(out.exists, f"{text!r}")
        argument, variable, where, _ = out.read_bytes().split(b"\0")
        assert argument == os.fsencode(text)
        assert variable == os.fsencode(text)
        folder = os.fsencode(top) + b"/" + os.fsencode(text.replace("/", "_")[:200])
        assert os.path.normpath(where.removesuffix(b"\nx")) == os.path.normpath(folder)
        place = seen[f"a/n{number}"]
        assert place.pane.record == text
        assert place.window.record == text
    titles = {row.address: row.title for row in hands.live.rows()}
    for number, text in enumerate(HOSTILE):
        if text.isascii() and text.isprintable() and len(text) < 100 and "|" not in text:
            assert titles[f"a/n{number}"] == text
    assert hands.live.server_pid() == usual
    assert not list(hands.live.folder.rglob("canary"))
    assert not Path("canary").exists()


def test_lines_are_typed_as_they_are(hands: Hands) -> None:
    """Into a program that copies them; nothing between the keyboard and it may take them for more."""
    out = hands.live.folder / "typed"
    start = action.StartPane(address="a/two", expect=mark("a/two"), mark=mark("a/two"), pane=pane("a/two"))
    script = (
        f"stty raw -echo; touch {shlex.quote(str(out))}; exec dd bs=1 status=none of={shlex.quote(str(out))}"
    )
    hands.done(order(start, "sh", "-c", script))
    live.until(out.exists)
    texts = [text for text in HOSTILE if not set(text) & {"\n", "\r"}]
    for text in texts:
        assert hands.tmux.type_line("a/two", mark("a/two"), mark("a/two"), text).error is None
    expected = b"".join(os.fsencode(text) + b"\r" for text in texts)
    live.until(lambda: len(out.read_bytes()) >= len(expected))
    assert out.read_bytes() == expected
    assert hands.live.client("list-buffers").stdout == ""
    assert not list(hands.live.folder.rglob("canary"))


PIECES = (
    *('"', "'", "\\", "\\\\", ";", " ; ", "\n", "\r", "\t", "{", "}", "#", "##", "#{", "#(", "#[", "$", "${", "$(", "`", "~"),
    *("%", "%if 1", "%end", "=", "-", "--", ",", ":", "(", ")", "&", "&&", "||", "|", "!", "*", "?", "[", "]", "<", ">", "^"),
    *("\\n", "\\r", "\\e", "\\t", "\\s", "\\0", "\\033", "\\u00e9", "\\U0001f600", "\\x41", "a", "Z", "0", " ", "\x01", "\x1b"),
    *("\x7f", "é", "€", "😀", "\u2028", "\u202e", "\udc80", "\udcc3", "\udcff", "kill-server", "run-shell 'touch canary'"),
)  # fmt: skip


@pytest.mark.torture
def test_words_arrive_byte_for_byte(tmux: live.Live) -> None:
    seed_ = random.randrange(2**32)
    choose = random.Random(seed_)
    tmux.tmux("new-session", "-d", *SLEEP)
    out = tmux.folder / "out"
    for _ in range(200 if DEEP else 4):
        texts = ["".join(choose.choices(PIECES, k=choose.randint(1, 12))) for _ in range(500)]
        lines = [quote.command("set-buffer", "-ab", "all", "--", f"<{text}>\n") for text in texts]
        lines += [
            quote.command("save-buffer", "-b", "all", str(out)),
            quote.command("delete-buffer", "-b", "all"),
        ]
        reply = tmux.assembly.host.source(lines)
        assert (reply.code, reply.err) == (0, ""), seed_
        assert out.read_bytes() == b"".join(b"<" + os.fsencode(text) + b">\n" for text in texts), seed_
    assert not list(tmux.folder.rglob("canary"))


@pytest.mark.torture
def test_literals_stay_what_they_are(tmux: live.Live) -> None:
    seed_ = random.randrange(2**32)
    choose = random.Random(seed_)
    tmux.tmux("new-session", "-d", *SLEEP)
    for _ in range(2000 if DEEP else 20):
        texts = [
            "".join(choose.choices([each for each in PIECES if each.isprintable()], k=choose.randint(1, 8)))
            for _ in range(20)
        ]
        lines = []
        for text in texts:
            lines.append(quote.command("set-option", "-pF", "@it", f"<{quote.literal(text)}>"))
            lines.append(quote.command("display-message", "-p", "#{@it}"))
        reply = tmux.assembly.host.source(lines)
        assert reply.out.decode().split("\n")[:-1] == [f"<{text}>" for text in texts], seed_
    assert not list(tmux.folder.rglob("canary"))


def test_compared_is_equal_to_itself_only(tmux: live.Live) -> None:
    tmux.tmux("new-session", "-d", *SLEEP)
    yes, no = "display-message -p 1", "display-message -p 0"
    for text in HOSTILE:
        lines = [
            quote.command("set-option", "-p", "@it", text),
            *(
                quote.command("if-shell", "-F", f"#{{==:#{{@it}},{quote.compared(other)}}}", yes, no)
                for other in (text, text + "x", "")
            ),
        ]
        assert tmux.assembly.host.source(lines).out.split() == [b"1", b"0", b"0"], text
    assert not list(tmux.folder.rglob("canary"))


def test_no_word_holds_a_nul() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote.word("a\0b")


def test_one_word_would_be_given_to_a_shell() -> None:
    with pytest.raises(ValueError, match="two words"):
        commands.launched(action.Launch(argv=("touch canary",), env={}, dir="/"))
