"""Whatever somebody's text is, it stands in the manifest as that text."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest
import yaml
from hypothesis import strategies

from orchestra.discover.project import found, naming, ports, survey, waiting, writing
from orchestra.manifest import load
from orchestra.model import names
from orchestra.model.diagnostic import Diagnostic

TEXTS = strategies.text(strategies.characters(exclude_categories=["Cs"]), max_size=40) | strategies.text(
    "ab01.:#,'\"{}[]%$ -~&*!|>?\\/\t\n", max_size=20
)
TRICKY = [
    "",
    " ",
    "a: b",
    "a #b",
    "yes",
    "NULL",
    ".5",
    ".inf",
    ".NaN",
    "1",
    "0x1f",
    "10s",
    "1:30",
    "- a",
    "...",
    "---",
    "a:",
    "=",
    "<<",
    "~",
]


def _written(value: str) -> list[object]:
    block = yaml.safe_load(f"a: {writing.scalar(value)}\n")["a"]
    flow = yaml.safe_load(f"a: {{b: {writing.scalar(value, flow=True)}, c: d}}\n")["a"]["b"]
    listed = yaml.safe_load(f"- [{writing.scalar(value, flow=True)}]\n")[0][0]
    return [block, flow, listed]


@hypothesis.given(TEXTS)
def test_any_text_is_read_again(value: str) -> None:
    assert _written(value) == [value] * 3


@pytest.mark.parametrize("value", TRICKY)
def test_what_looks_like_something_else_is_read_again(value: str) -> None:
    assert _written(value) == [value] * 3


@hypothesis.given(TEXTS)
def test_a_comment_is_one_line(value: str) -> None:
    assert len(f"# {writing.comment(value)}".splitlines()) == 1


@hypothesis.given(TEXTS)
def test_names_are_what_a_manifest_allows(value: str) -> None:
    assert names.WORKSPACE.match(naming.workspace(value))
    assert names.NAME.match(naming.session(value, set()))
    (made,) = naming.unique([found.Session(name="s", dir="", panes=(_pane(value, 1), _pane(value, 2)))])
    assert all(names.NAME.match(pane.name) for pane in made.panes)
    assert len({pane.name for pane in made.panes}) == 2


@hypothesis.given(TEXTS.filter(lambda text: text.strip() and text.isprintable()))
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], max_examples=30)
def test_any_command_reaches_the_pane_as_it_is(tmp_path: Path, command: str) -> None:
    session = found.Session(name="s", dir="", panes=(_pane("p", 1, command),), shell=True)
    seen = survey.Survey(workspace="w", sessions=(session,), remarks=(), missing=(), schema=None)
    path = tmp_path / "orchestra.yaml"
    path.write_text(writing.text(seen), encoding="utf-8")
    assert load.load(path, load.Inputs(environ={})).workspace.panes[0].command == command


def test_a_circle_of_ports_is_none() -> None:
    """Two front ends that hand requests to each other do not wait for each other."""
    one = found.Session(name="one", dir="", panes=(_pane("a", 1, calls=(2,)),))
    two = found.Session(name="two", dir="", panes=(_pane("b", 2, calls=(1,)),))
    after = [dict(pane.after) for session in waiting.linked([one, two]) for pane in session.panes]
    assert after == [{"two/b": "healthy"}, {}]


def test_above_the_last_port_there_is_none() -> None:
    session = found.Session(name="s", dir="", panes=(_pane("a", 65535), _pane("b", 65535)))
    remarks: list[Diagnostic] = []
    (made,) = ports.assigned([session], remarks)
    assert [pane.listening is None for pane in made.panes] == [False, True]
    assert [str(each.severity) for each in remarks] == ["warning"]


def _pane(name: str, port: int, command: str = "x", calls: tuple[int, ...] = ()) -> found.Pane:
    return found.Pane(
        name=name,
        command=command,
        role=found.Role.SERVER,
        source="file",
        reason="reason",
        listening=found.Listening(port=port, flag="--port {port}"),
        calls=calls,
    )
