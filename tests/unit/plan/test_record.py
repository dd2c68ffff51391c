from __future__ import annotations

import dataclasses
import json
from datetime import timedelta

import pytest

from orchestra.model import rules, spec
from orchestra.plan import record

TOKEN = spec.Secret(name="TOKEN", kind=spec.SourceKind.ENV, source="TOKEN")
PANE = spec.Pane(
    address="api/server",
    command=("serve", "--port", "80"),
    dir="/srv",
    env={"A": "1"},
    secrets=(TOKEN,),
    title="Server",
    labels={"tier": "web"},
    focus=True,
    size=spec.Size(percent=30),
    depends_on=(spec.Dependency(pane="db/server", condition=spec.Condition.HEALTHY),),
    health=spec.Health(probe=spec.TcpProbe(host="localhost", port=80)),
    stop=spec.Stop(signal="SIGINT", timeout=timedelta(seconds=3)),
)

RESTARTING: list[dict[str, object]] = [
    {"command": ("serve", "--port", "81")},
    {"command": "serve --port 80"},  # by a shell now
    {"command": None},
    {"command": None, "send_keys": ("serve",)},
    {"shell": "/bin/zsh"},
    {"dir": "/srv2"},
    {"env": {"A": "2"}},
    {"env": {}},
    {"secrets": ()},
    {"secrets": (dataclasses.replace(TOKEN, name="OTHER"),)},
]
LIVE: list[dict[str, object]] = [
    {"title": None},
    {"labels": {}},
    {"options": {"@a": "b"}},
    {"limits": rules.Limits(memory=1)},
    {"watch": rules.Watch(paths=("/a/*",))},
    {"pin": True},
    {"restart": spec.Restart(policy=spec.Policy.ALWAYS)},
    {"was": "vim"},
    {"opened": True},
    {"scrollback_file": "/s"},
    {"history_file": "/s"},
    {"depends_on": ()},
    {"health": None},
    {"stop": spec.Stop()},
    {"shell_integration": False},
    {"secrets": (dataclasses.replace(TOKEN, source="ELSEWHERE"),)},
]


@pytest.mark.parametrize("change", RESTARTING)
def test_fingerprint_tells_what_restarts(change: dict[str, object]) -> None:
    changed = dataclasses.replace(PANE, **change)  # type: ignore[arg-type]
    assert record.fingerprint(changed) != record.fingerprint(PANE)
    assert record.pane_text(changed, {}) != record.pane_text(PANE, {})


@pytest.mark.parametrize("change", LIVE)
def test_fingerprint_ignores_what_is_changed_live(change: dict[str, object]) -> None:
    changed = dataclasses.replace(PANE, **change)  # type: ignore[arg-type]
    assert record.fingerprint(changed) == record.fingerprint(PANE)
    assert record.pane_text(changed, {}) != record.pane_text(PANE, {})


@pytest.mark.parametrize("change", [{"size": None}, {"focus": False}])
def test_what_is_the_windows_business_is_not_the_panes(change: dict[str, object]) -> None:
    changed = dataclasses.replace(PANE, **change)  # type: ignore[arg-type]
    assert record.fingerprint(changed) == record.fingerprint(PANE)
    assert record.pane_text(changed, {}) == record.pane_text(PANE, {})


def test_every_field_is_told_apart_somewhere() -> None:
    """A new field of a pane has to be put into one of the lists above, and so into `record.RESTART` or not."""
    told = {name for change in (*RESTARTING, *LIVE) for name in change}
    assert told | set(record.ELSEWHERE) | {"address"} == {
        field.name for field in dataclasses.fields(spec.Pane)
    }


def test_fingerprint_does_not_change_between_versions() -> None:
    """It stands on live objects: a new one would restart every pane there is."""
    plain = spec.Pane(address="a/b", command="run", dir="/")
    assert record.fingerprint(plain) == "e82d15bba574902c"
    assert record.fingerprint(PANE) == "5e1adf60e955501f"


def test_a_record_is_read_back() -> None:
    read = record.parse_pane(record.pane_text(PANE, {"TOKEN": "d1"}))
    assert read == record.PaneRecord(
        pane=dataclasses.replace(PANE, focus=False, size=None), secrets={"TOKEN": "d1"}
    )


def test_a_record_is_canonical() -> None:
    other = dataclasses.replace(PANE, env={"B": "2", "A": "1"})
    same = dataclasses.replace(PANE, env={"A": "1", "B": "2"})
    assert record.pane_text(other, {"b": "1", "a": "2"}) == record.pane_text(same, {"a": "2", "b": "1"})
    assert record.pane_text(dataclasses.replace(PANE, title="é\n"), {}).isascii()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "[]",
        "null",
        "{}",
        '{"pane": {}, "secrets": {}}',
        '{"pane": {"address": "a", "dir": "/", "new": 1}, "secrets": {}}',
        '{"pane": {"address": 3, "dir": "/"}, "secrets": {}}',
        '{"pane": {"address": "a", "dir": "/"}, "secrets": {"A": 1}}',
        "[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_none(text: str) -> None:
    assert record.parse_pane(text) is None
    assert not record.parse(text) or text.startswith("{")


def test_digest_tells_values_names_and_keys_apart() -> None:
    digests = {
        record.digest(key, name, value)
        for key in ("k", "l")
        for name, value in (
            ("A", "x"),
            ("A", "y"),
            ("B", "x"),
            ("Ax", ""),
            ("", "Ax"),
            ("A", "x\0"),
        )
    }
    assert len(digests) == 12
    assert record.digest("k", "A", "x") == record.digest("k", "A", "x")
    assert not any("secret" in record.digest("k", "A", "secret") for _ in range(1))
    assert record.digest("k", "A", "\udcff")  # bytes of a file that are not UTF-8


def test_window_and_session_texts() -> None:
    other = spec.Pane(address="api/shell", dir="/", size=spec.Size(cells=9))
    window = spec.Window(name="main", layout="tiled", panes=(PANE, other))
    assert json.loads(record.window_text(window)) == {
        "layout": "tiled",
        "panes": ["server", "shell"],
        "sizes": ["30%", 9],
        "focus": "server",
    }
    assert not record.owed(record.window_text(window))
    assert record.owed(record.window_text(window, owed=True))
    assert record.parse(record.window_text(window, owed=True))["panes"] == ["server", "shell"]
    session = spec.Session(
        name="api", labels={"a": "b"}, windows=(window, dataclasses.replace(window, name="x", focus=True))
    )
    assert json.loads(record.session_text(session)) == {
        "labels": {"a": "b"},
        "windows": ["main", "x"],
        "focus": "x",
    }
