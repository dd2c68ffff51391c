"""What is written is a manifest, and says what was given."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from orchestra.manifest import dump, load
from orchestra.model import spec
from orchestra.snapshot import document

HOME = "/home/user"
TEXT = some.text(some.characters(exclude_categories=("Cs", "Cc", "Cn", "Zl", "Zp")), min_size=1, max_size=8)


def pane(address: str = "s/0", **more: Any) -> spec.Pane:
    return spec.Pane(address=address, **{"dir": HOME, **more})


def workspace(*panes: spec.Pane, **window: Any) -> spec.Workspace:
    made = spec.Window(name="0", panes=panes or (pane(),), **window)
    return spec.Workspace(name="w", file="", sessions=(spec.Session(name="s", windows=(made,)),))


def again(given: spec.Workspace) -> spec.Workspace:
    """What a manifest with that text says."""
    text = dump.text(document.document(given, HOME))
    loaded = load.load(Path("/x/w.yaml"), load.Inputs(environ={"HOME": HOME}), text)
    return dataclasses.replace(loaded.workspace, file=given.file)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"dir": "/"},
        {"dir": f"{HOME}/a b"},
        {"dir": f"{HOME}else"},
        {"dir": "/a/{{ x }}/~"},
        {"command": "sleep 1"},
        {"command": ("sleep", "", "it's", "{{ x }}", "a\nb")},
        {"was": ("vim", "a b")},
        {"was": "tail -f x | grep '{% x %}'"},
        {"send_keys": ("a", "", " b ")},
        {"title": "{{ x }}"},
        {"title": "on"},
        {"labels": {"a": "1"}},
        {"options": {"@note": "no", "@other": ""}},
        {"scrollback_file": "/x/scrollback/w/s.0.gz"},
        {"history_file": "/x/history/w/s.0"},
        {"shell_integration": False},
        {"shell": "/bin/zsh"},
        {"env": {"A": "{{ x }}", "B": "", "C": "1e3", "D": "$HOME"}},
        {"stop": spec.Stop(keys=("C-c", "C-d"), timeout=timedelta(milliseconds=1500)), "command": "x"},
        {"stop": spec.Stop(signal="SIGINT"), "command": "x"},
        {"stop": spec.Stop(command=("x", "y")), "command": "x"},
        {"health": spec.Health(probe=spec.CommandProbe(command="x")), "command": "x"},
        {"health": spec.Health(probe=spec.HttpProbe(url="http://x/", status=204)), "command": "x"},
        {"health": spec.Health(probe=spec.TcpProbe(host="::1", port=1)), "command": "x"},
        {
            "health": spec.Health(
                probe=spec.OutputProbe(pattern="a{2}"),
                interval=timedelta(seconds=3),
                failure_threshold=7,
                start_period=timedelta(milliseconds=100),
            ),
            "command": "x",
        },
        {"health": spec.Health(errors="E", recovery=timedelta(minutes=1)), "command": "x"},
        {
            "health": spec.Health(probe=spec.TcpProbe(host="h", port=1), errors="E", restart_unhealthy=True),
            "command": "x",
        },
        {"secrets": (spec.Secret(name="A", kind=spec.SourceKind.ENV, source="B"),)},
        {"secrets": (spec.Secret(name="A", kind=spec.SourceKind.FILE, source="/x/y"),)},
        {"secrets": (spec.Secret(name="A", kind=spec.SourceKind.COMMAND, source="pass x"),)},
    ],
    ids=str,
)
def test_a_pane_comes_back(more: dict[str, Any]) -> None:
    made = workspace(pane(**more))
    assert again(made) == made


@pytest.mark.parametrize(
    "more",
    [
        {"name": "main"},
        {"title": "a.b:c"},
        {"zoomed": True},
        {"layout": "even-horizontal"},
        {"layout": "406c,160x50,0,0[160x25,0,0,0,160x24,0,26,1]"},
        {"options": {"synchronize-panes": "on", "automatic-rename": "on"}},
    ],
    ids=str,
)
def test_a_window_comes_back(more: dict[str, Any]) -> None:
    made = workspace(pane("s/0"), pane("s/second", focus=True))
    (session,) = made.sessions
    shown = dataclasses.replace(
        session.windows[0], focus=True
    )  # where a pane has the focus, its window has it
    window = dataclasses.replace(shown, **more)
    changed = dataclasses.replace(made, sessions=(dataclasses.replace(session, windows=(window,)),))
    assert again(changed) == changed


def test_what_waits_for_what_comes_back() -> None:
    first = pane("s/a", command="x")
    edges = (
        spec.Dependency(pane="s/a", condition=spec.Condition.HEALTHY, required=False),
        spec.Dependency(pane="s/b", condition=spec.Condition.STARTED),
        spec.Dependency(pane="s/d", condition=spec.Condition.STARTED, cascades=True),
    )
    checked = dataclasses.replace(first, health=spec.Health(probe=spec.CommandProbe(command="y")))
    waiting = pane("s/c", command="z", depends_on=edges), pane("s/e", depends_on=edges[2:])
    made = workspace(checked, pane("s/b"), pane("s/d", command="y"), *waiting)
    assert again(made) == made


@given(
    title=TEXT,
    words=some.lists(some.one_of(TEXT, some.just(""), some.just("{{ x }}")), min_size=1, max_size=3),
    value=TEXT,
    folder=TEXT.map(lambda text: text.replace("/", "_")).filter(lambda text: text not in (".", "..")),
)
def test_any_text_comes_back(title: str, words: list[str], value: str, folder: str) -> None:
    panes = (
        pane(was=("x", *words), title=title, dir=f"/d/{folder}"),
        pane("s/1", env={"A": value}, options={"@x": value}),
    )
    made = workspace(*panes, title=title)
    assert again(made) == made


def test_what_all_panes_share_stands_on_the_session_once() -> None:
    env = {"A": "1"}
    panes = [pane(f"s/{n}", dir=f"{HOME}/x", env=env) for n in range(3)]
    other = pane("s/3", dir="/", env={"A": "1", "B": "2"})
    assert document.document(workspace(*panes, other), HOME)["sessions"] == {
        "s": {
            "dir": "~/x",
            "env": env,
            "windows": [{"panes": [{}, {}, {}, {"dir": "/", "env": {"B": "2"}}]}],
        }
    }


@pytest.mark.parametrize(
    ("home", "written"), [("/home/user", "~/x"), ("/home", "~/user/x"), ("/", "/home/user/x")]
)
def test_homes(home: str, written: str) -> None:
    (session,) = document.document(workspace(pane(dir="/home/user/x")), home)["sessions"].values()  # type: ignore[attr-defined]
    assert session["dir"] == written


def test_in_full_every_window_and_pane_has_its_name() -> None:
    (session,) = workspace(pane("s/0"), pane("s/1")).sessions
    assert document.session(session, HOME) == {
        "windows": [{"name": "0", "panes": [{"name": "0", "dir": "~"}, {"name": "1", "dir": "~"}]}]
    }
