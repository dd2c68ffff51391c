from pathlib import Path

import pytest

from tests.unit.manifest import reading

CONDITIONS = "expected `started`, `healthy`, `completed` or `completed_successfully`, found `cascade`"
AROUND = """
  db: {panes: [{name: server, health: {tcp: "h:1"}}, {name: shell}]}
  cache: {}
groups:
  both: {sessions: [db], panes: [cache/0], labels: {a: b}}
  none: {}
"""


def needs(folder: Path, session: str, address: str = "api/server") -> list[str]:
    workspace = reading.workspace(folder, f"sessions:\n  api: {{{session}}}{AROUND}")
    [pane] = [pane for pane in workspace.panes if pane.address == address]
    return [f"{one.pane} {one.condition}{'' if one.required else '?'}" for one in pane.depends_on]


@pytest.mark.parametrize(
    ("depends_on", "dependencies"),
    [
        ("[db]", ["db/server healthy", "db/shell started"]),
        ("[db/shell]", ["db/shell started"]),
        ("['@both']", ["db/server healthy", "db/shell started", "cache/0 started"]),
        ("['@none']", []),
        ("[migrate]", ["api/migrate started"]),
        ("{migrate: completed_successfully}", ["api/migrate completed_successfully"]),
        ("{db: started, '@both': healthy}", ["db/server healthy", "db/shell healthy", "cache/0 healthy"]),
        ("{db/server: {condition: completed, required: false}}", ["db/server completed?"]),
        ("{db/server: {required: false}}", ["db/server healthy?"]),
        ("{db/server: {required: false}, db: started}", ["db/server healthy", "db/shell started"]),
        ("[db/server, db/server]", ["db/server healthy"]),
    ],
)
def test_dependencies_are_panes(tmp_path: Path, depends_on: str, dependencies: list[str]) -> None:
    assert (
        needs(tmp_path, f"panes: [{{name: server, depends_on: {depends_on}}}, {{name: migrate}}]")
        == dependencies
    )


def test_a_session_s_dependencies_are_its_panes(tmp_path: Path) -> None:
    session = "depends_on: {db: started}, panes: [{name: server, depends_on: {db/server: completed}}, {name: other}]"
    assert needs(tmp_path, session) == ["db/server completed", "db/shell started"]
    assert needs(tmp_path, session, "api/other") == ["db/server started", "db/shell started"]


@pytest.mark.parametrize(
    ("session", "cascading"),
    [
        ("panes: [{name: server, depends_on: {db: {on_restart: cascade}}}]", {"server": ["db/main"]}),
        ("panes: [{name: server, depends_on: {db: {on_restart: ignore}}}]", {"server": []}),
        ("panes: [{name: server, depends_on: {db: {condition: started}}}]", {"server": []}),
        # A shell, where nobody says so of itself.
        (
            "panes: [{name: server, depends_on: {db/shell: {on_restart: cascade}}}]",
            {"server": ["db/shell"]},
        ),
        (
            "panes: [{name: server, depends_on: {'@all-of-it': {on_restart: cascade}}}]",
            {"server": ["db/main"]},
        ),
        (
            "depends_on: {db: {on_restart: cascade}}, panes: [{name: server, command: x}, {name: shell}]",
            {"server": ["db/main"], "shell": []},
        ),
        (
            "depends_on: {db: {on_restart: cascade}}, panes: [{name: shell, depends_on: {db/main: {on_restart: cascade}}}]",
            {"shell": ["db/main"]},
        ),
        # Where several entries mean the same pane, one is enough.
        (
            "panes: [{name: server, depends_on: {db: {on_restart: cascade}, db/main: healthy}}]",
            {"server": ["db/main"]},
        ),
        (
            "panes: [{name: server, depends_on: {db/main: healthy, db: {on_restart: cascade}}}]",
            {"server": ["db/main"]},
        ),
        (
            "panes: [{name: server, depends_on: {a: {on_restart: \"{{ 'cascade' }}\"}}}, {name: a}]",
            {"server": ["api/a"], "a": []},
        ),
    ],
)
def test_whose_restart_is_ones_own(tmp_path: Path, session: str, cascading: dict[str, list[str]]) -> None:
    around = """
  db: {panes: [{name: main, command: x}, {name: shell}]}
groups: {all-of-it: {sessions: [db]}}
"""
    workspace = reading.workspace(tmp_path, f"sessions:\n  api: {{{session}}}{around}")
    found = {
        pane.name: [one.pane for one in pane.depends_on if one.cascades]
        for pane in workspace.panes
        if pane.address.startswith("api/")
    }
    assert found == cascading


def test_groups_are_in_the_manifest_s_order(tmp_path: Path) -> None:
    [group, none] = reading.workspace(tmp_path, f"sessions:\n  api: {{}}{AROUND}").groups
    assert (group.name, group.panes, group.labels) == (
        "both",
        ("db/server", "db/shell", "cache/0"),
        {"a": "b"},
    )
    assert none.panes == ()


@pytest.mark.parametrize(
    ("session", "complaint", "hint"),
    [
        ("panes: [{depends_on: [dbb]}]", "unknown session or pane `dbb` in depends_on", "did you mean `db`?"),
        (
            "panes: [{depends_on: [migrat]}, {name: migrate}]",
            "unknown session or pane `migrat` in depends_on",
            "did you mean `migrate`?",
        ),
        (
            "panes: [{depends_on: [db/serve]}]",
            "unknown pane `db/serve` in depends_on",
            "did you mean `db/server`?",
        ),
        (
            "panes: [{depends_on: ['@bothh']}]",
            "unknown group `@bothh` in depends_on",
            "did you mean `@both`?",
        ),
        ("depends_on: [cach]", "unknown session `cach` in depends_on", "did you mean `cache`?"),
        ("depends_on: [api]", "the session `api` depends on itself", "say it at the pane that needs it"),
        ("depends_on: [api/0]", "the session `api` depends on itself", "say it at the pane that needs it"),
        ("panes: [{name: a, depends_on: [a]}]", "the pane `api/a` depends on itself", None),
        ("panes: [{name: a, depends_on: [api/a]}]", "the pane `api/a` depends on itself", None),
        (
            "panes: [{name: a, depends_on: [api]}]",
            "the pane `api/a` depends on itself, which is part of `api`",
            None,
        ),
        (
            "panes: [{depends_on: {db: helthy}}]",
            "expected `started`, `healthy`, `completed` or `completed_successfully`, found `helthy`",
            "did you mean `healthy`?",
        ),
        (
            "panes: [{depends_on: {db: {on_restart: cascad}}}]",
            "expected one of `ignore`, `cascade`, found `cascad`",
            "did you mean `cascade`?",
        ),
        ("panes: [{depends_on: {db: cascade}}]", CONDITIONS, None),
        (
            "panes: [{depends_on: {db: {conditon: started}}}]",
            "unknown key `conditon` in a dependency",
            "did you mean `condition`?",
        ),
        ("panes: [{depends_on: db}]", "expected a list or a map, found `db`", None),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, session: str, complaint: str, hint: str | None) -> None:
    [one] = reading.diagnostics(tmp_path, f"sessions:\n  api: {{{session}}}{AROUND}")
    assert (one.summary, one.hint) == (complaint, hint)


@pytest.mark.parametrize(
    ("group", "complaint"),
    [
        ("{sessions: [dbb]}", "unknown session `dbb` in a group"),
        ("{panes: [db]}", "unknown pane `db` in a group"),
        ("{panes: [db/x]}", "unknown pane `db/x` in a group"),
        ("{session: [db]}", "unknown key `session` in a group"),
    ],
)
def test_groups_are_checked(tmp_path: Path, group: str, complaint: str) -> None:
    [one] = reading.diagnostics(tmp_path, f"sessions: {{db: {{}}}}\ngroups: {{g: {group}}}\n")
    assert one.summary == complaint


@pytest.mark.parametrize(
    "session",
    ["{panes: [{name: '{{ nope }}'}]}", "{panes: [x]}", "{panes: x}", "x"],
)
def test_names_that_could_not_be_found_out_are_not_missed(tmp_path: Path, session: str) -> None:
    text = f"sessions: {{a: {session}, b: {{depends_on: [a, a/x, '@g']}}}}\ngroups: {{g: {{panes: [a/y]}}}}\n"
    assert len(reading.complaints(tmp_path, text)) == 1
