"""What is seen of a server, as workspaces."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from orchestra.model import live, spec, status
from orchestra.plan import record
from orchestra.snapshot import programs, take

BASH = live.Program(argv=("-bash",), path="/usr/bin/bash", dir="/d")
LAYOUT = "406c,160x50,0,0[160x25,0,0,0,160x24,0,26,1]"


def pane(number: int, **more: object) -> status.Pane:
    return status.Pane(id=f"%{number}", **{"index": number, "pid": 100 + number, "dead": False, **more})  # type: ignore[arg-type]


def window(number: int, name: str, *panes: status.Pane, **more: object) -> status.Window:
    plain = {"index": number, "layout": LAYOUT if len(panes) > 1 else "b25f,160x50,0,0,1", **more}
    return status.Window(id=f"@{number}", name=name, width=160, height=50, panes=panes, **plain)  # type: ignore[arg-type]


def session(number: int, name: str, *windows: status.Window, **more: object) -> status.Session:
    return status.Session(id=f"${number}", name=name, windows=windows, **more)  # type: ignore[arg-type]


def seen(
    *sessions: status.Session,
    running: Mapping[int, live.Running] | None = None,
    windows: Mapping[str, Mapping[str, str]] | None = None,
    panes: Mapping[str, Mapping[str, str]] | None = None,
    dirs: Mapping[str, str] | None = None,
) -> take.Seen:
    server = status.Server(running=True, pid=1, started=1, sessions=sessions)
    usual = {place.pane.pid: live.Running(first=BASH) for place in status.places(server)}
    return take.Seen(
        server=server,
        settings=live.Settings(
            environment={"LANG": "C", "SHARED": "yes"},
            fleeting=frozenset({"DISPLAY"}),
            renames=False,
            sessions={},
            windows=windows or {},
            panes=panes or {},
            dirs=dirs or {},
        ),
        running=usual if running is None else running,
        login_shell="/usr/bin/bash",
        home="/home/user",
        host="box.example",
    )


def taken(found: take.Seen, only: str = "") -> take.Taken:
    (made,) = take.taken(found, only)
    return made


def one_pane(first: live.Running | None, **more: object) -> tuple[spec.Pane, tuple[str, ...]]:
    running = {100: first} if first is not None else {}
    made = taken(seen(session(0, "s", window(0, "w", pane(0, **more))), running=running))
    return made.workspace.panes[0], made.left_out


@pytest.mark.parametrize(
    ("title", "workspace", "name", "shown"),
    [
        ("work", "work", "work", "work"),
        ("My Work", "my-work", "My-Work", "My Work"),
        ("漢é", "session", "session", "漢é"),
        ("{{ x }}", "x", "x", "{{ x }}"),
        ("-x", "x", "x", "-x"),
        ("a\nb", "a_b", "a_b", "a_b"),
        ("a" * 300, "a" * 60, "a" * 64, "a" * 256),
    ],
)
def test_names(title: str, workspace: str, name: str, shown: str) -> None:
    made = taken(seen(session(0, title, window(0, "w", pane(0)))))
    (found,) = made.workspace.sessions
    assert (made.workspace.name, found.name, found.shown) == (workspace, name, shown)
    assert not made.owned


def test_no_two_workspaces_have_one_name() -> None:
    sessions = [session(n, name, window(n, "w", pane(n))) for n, name in enumerate(["a b", "a-b", "a.b"])]
    made = take.taken(seen(*sessions))
    assert [each.workspace.name for each in made] == ["a-b", "a-b-2", "a-b-3"]


@pytest.mark.parametrize(
    ("only", "expected"),
    [("", ["a-b", "c"]), ("c", ["c"]), ("a b", ["a-b"]), ("a-b", ["a-b"]), ("a", []), ("no", [])],
)
def test_only_what_is_asked_for(only: str, expected: list[str]) -> None:
    found = seen(session(0, "a b", window(0, "w", pane(0))), session(1, "c", window(1, "w", pane(1))))
    assert [each.workspace.name for each in take.taken(found, only)] == expected


def test_windows_are_in_order_and_the_shown_one_is_said() -> None:
    windows = (window(2, "late", pane(2), index=9, active=True), window(1, "early", pane(1), index=3))
    made = taken(seen(session(0, "s", *windows)))
    assert [(each.name, each.focus) for each in made.workspace.sessions[0].windows] == [
        ("early", False),
        ("late", True),
    ]


def test_panes_layout_focus_and_zoom() -> None:
    panes = (pane(0), pane(1, active=True))
    made = taken(seen(session(0, "s", window(0, "w", *panes, zoomed=True))))
    (found,) = made.workspace.sessions[0].windows
    assert (found.layout, found.zoomed) == (LAYOUT, True)
    assert [(each.address, each.focus) for each in found.panes] == [("s/0", False), ("s/1", True)]
    assert made.panes == {"s/0": "%0", "s/1": "%1"}


@pytest.mark.parametrize(
    ("foreground", "was", "left_out"),
    [
        ((), None, ()),
        ((("vim", "a b"),), ("vim", "a b"), ()),
        ((("tail", "-f", "x"), ("cat",)), "tail -f x | cat", ()),
        (
            (("mysql", "-phunter2"),),
            None,
            ("s/0: what ran in it, because it looks as if it held a secret",),
        ),
        (
            (("curl", "-H", "X-Api-Key: hunter2"), ("cat",)),
            None,
            ("s/0: what ran in it, because it looks as if it held a secret",),
        ),
        ((("echo", "\x1b"),), None, ("s/0: what ran in it, whose words hold control characters",)),
        ((("echo", "\udcff"),), None, ("s/0: what ran in it, whose words are no text",)),
    ],
)
def test_what_ran(
    foreground: tuple[tuple[str, ...], ...], was: programs.Words | None, left_out: tuple[str, ...]
) -> None:
    running = live.Running(first=BASH, foreground=tuple(live.Program(argv=each) for each in foreground))
    found, told = one_pane(running)
    assert (found.was, told) == (was, left_out)


def test_a_dead_pane_is_a_shell() -> None:
    found, _ = one_pane(live.Running(first=live.Program(argv=("make",), dir="/d")), dead=True)
    assert (found.was, found.env) == (None, {})


@pytest.mark.parametrize(
    ("first", "shell"),
    [
        (BASH, None),
        (live.Program(argv=("zsh",), path="/usr/bin/zsh", dir="/d"), "/usr/bin/zsh"),
        (live.Program(argv=("zsh",), dir="/d"), None),
        (live.Program(argv=("vim",), path="/usr/bin/vim", dir="/d"), None),
    ],
)
def test_shells_that_are_not_the_login_shell(first: live.Program, shell: str | None) -> None:
    assert one_pane(live.Running(first=first))[0].shell == shell


@pytest.mark.parametrize(
    ("dir", "of_tmux", "expected", "told"),
    [
        ("/d", "/other", "/d", False),
        ("", "/other", "/other", False),
        ("/d (deleted)", "/other", "/other", False),
        ("/d (deleted)", "/d (deleted)", "/home/user", True),
        ("/d\nx", "", "/home/user", True),
        ("/\udcff", "", "/home/user", True),
        ("", "", "/home/user", True),
    ],
)
def test_directories(dir: str, of_tmux: str, expected: str, told: bool) -> None:
    running = {100: live.Running(first=dataclasses.replace(BASH, dir=dir))}
    made = taken(seen(session(0, "s", window(0, "w", pane(0))), running=running, dirs={"%0": of_tmux}))
    assert made.workspace.panes[0].dir == expected
    assert bool(made.left_out) is told


def test_the_environment_that_is_the_panes_own() -> None:
    env = {
        "LANG": "C",  # the server's
        "SHARED": "no",
        "OWN": "1",
        "DISPLAY": ":1",
        "TMUX": "x",
        "TMUX_PANE": "%0",
        "PWD": "/d",
        "SHLVL": "3",
        "ORCHESTRA_PANE": "x",
        "BASH_FUNC_x%%": "() { :; }",
        "DB_PASSWORD": "hunter2",
        "BYTES": "\udcff",
    }
    found, told = one_pane(live.Running(first=BASH, env=env))
    assert found.env == {"SHARED": "no", "OWN": "1"}
    assert told == (
        "s/0: the variable BYTES, which is no text",
        "s/0: the variable DB_PASSWORD, because it looks like a secret",
    )


@pytest.mark.parametrize(
    ("title", "expected", "left_out"),
    [
        ("", None, 0),
        ("box", None, 0),
        ("box.example", None, 0),
        ("my title", "my title", 0),
        ("mysql -phunter2", None, 1),
        ("postgres://me:hunter2@db", None, 1),
    ],
)
def test_titles(title: str, expected: str | None, left_out: int) -> None:
    found, told = one_pane(live.Running(first=BASH), title=title)
    assert (found.title, len(told)) == (expected, left_out)


def test_options() -> None:
    given = {
        "@note": "x",
        "pane-border-format": "a",
        "@api-token": "hunter2",
        "pane-active-border-style": "https://me:hunter2@x",
        "odd name": "x",
        "@bytes": "\udcff",
    }
    made = taken(seen(session(0, "s", window(0, "w", pane(0))), panes={"%0": given}))
    assert made.workspace.panes[0].options == {"@note": "x", "pane-border-format": "a"}
    assert len(made.left_out) == 4
    assert "hunter2" not in str(made)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {}),
        ({"automatic-rename": "off"}, {}),
        ({"automatic-rename": "on"}, {"automatic-rename": "on"}),
        ({"synchronize-panes": "on"}, {"synchronize-panes": "on"}),
        ({"synchronize-panes": "off"}, {}),
    ],
)
def test_a_windows_options(options: dict[str, str], expected: dict[str, str]) -> None:
    made = taken(seen(session(0, "s", window(0, "w", pane(0))), windows={"@0": options}))
    assert made.workspace.sessions[0].windows[0].options == expected


def test_what_many_panes_lack_is_told_once() -> None:
    panes = [window(n, f"w{n}", pane(n)) for n in range(6)]
    env = {"DB_PASSWORD": "hunter2"}
    running = {100 + n: live.Running(first=BASH, env=env) for n in range(6)}
    made = taken(seen(session(0, "s", *panes), running=running))
    assert made.left_out == (
        "s/0, s/1, s/2 and 3 more: the variable DB_PASSWORD, because it looks like a secret",
    )


# --- orchestra's own


def _mark(address: str) -> status.Mark:
    return status.Mark(workspace="shop", address=address, uid=address.replace("/", ""), fingerprint="-")


def _own(
    *extra: status.Pane, open_windows: tuple[status.Window, ...] = (), **first: object
) -> status.Session:
    web = spec.Pane(address="api/web", dir="/d", command="serve", env={"API_TOKEN": "hunter2"})
    shell = spec.Pane(address="api/sh", dir="/d")
    declared = spec.Session(name="api", windows=(spec.Window(name="main", panes=(web, shell)),))
    mine = [
        pane(n, mark=_mark(each.address), record=record.pane_text(each, {}))
        for n, each in enumerate((web, shell))
    ]
    main = window(
        0,
        "main",
        *mine,
        *extra,
        **{
            "mark": _mark("api/main"),
            "record": record.window_text(declared.windows[0]),
            "applied_layout": LAYOUT,
            **first,
        },
    )
    text = record.session_text(declared)
    return session(0, "api", main, *open_windows, mark=_mark("api"), record=text)


def test_a_workspace_as_it_was_applied() -> None:
    made = taken(seen(_own()))
    assert made.owned
    assert [each.address for each in made.workspace.panes] == ["api/web", "api/sh"]
    assert made.workspace.panes[0].command == "serve"
    assert made.workspace.sessions[0].windows[0].layout is None


def test_what_runs_in_a_workspaces_shell_is_known_and_what_it_declares_stays() -> None:
    vim = live.Running(first=BASH, foreground=(live.Program(argv=("vim",)),), env={"NEW": "x"})
    made = taken(seen(_own(), running={100: vim, 101: vim}))
    web, shell = made.workspace.panes
    assert (web.command, web.was) == ("serve", None)
    assert (shell.command, shell.was, shell.env) == (None, ("vim",), {})


def test_what_a_person_opened_in_a_workspace_is_in_it() -> None:
    three = "28a7,200x50,0,0[200x12,0,0,0,200x12,0,13,1,200x24,0,26,2]"
    opened = window(1, "mine", pane(7))
    made = taken(seen(_own(pane(5), open_windows=(opened,), layout=three)))
    (main, mine) = made.workspace.sessions[0].windows
    assert [each.name for each in main.panes] == ["web", "sh", "2"]
    assert main.layout == three
    assert [each.name for each in mine.panes] == ["3"]


def test_a_pane_that_is_closed_is_not_known_any_more() -> None:
    both = _own()
    (main,) = both.windows
    closed = dataclasses.replace(both, windows=(dataclasses.replace(main, panes=main.panes[:1]),))
    made = taken(seen(closed))
    assert [each.address for each in made.workspace.panes] == ["api/web"]  # its record is gone with it


def test_what_is_another_workspaces_is_not_in_a_persons_session() -> None:
    linked = _own().windows[0]
    mine = session(1, "mine", window(3, "w", pane(3)), linked)
    found = {each.workspace.name: each for each in take.taken(seen(_own(), mine))}
    assert [each.address for each in found["mine"].workspace.panes] == ["mine/0"]


def test_written_in_full_it_holds_no_secret() -> None:
    made = taken(seen(_own())).workspace
    (api,) = made.sessions
    (main,) = api.windows
    told = spec.Pane(address="api/q", dir="/d", command="tool --password hunter2", env={"A": "b"})
    more = dataclasses.replace(main, panes=(*main.panes, told))
    given = dataclasses.replace(made, sessions=(dataclasses.replace(api, windows=(more,)),))
    found, left_out = take.without_secrets(given)
    assert "hunter2" not in str(found)
    assert [(each.command, dict(each.env)) for each in found.panes] == [
        ("serve", {}),
        (None, {}),
        (None, {"A": "b"}),
    ]
    assert left_out == (
        "api/web: the variable API_TOKEN, because it looks like a secret",
        "api/q: its command, because it looks as if it held a secret",
    )
