"""Groups and dependencies by hand: one text on the server."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies

from orchestra.model import errors, status
from orchestra.plan import grouping


def session(number: int, name: str) -> status.Session:
    return status.Session(id=f"${number}", name=name, windows=())


DB, API, WEB = session(0, "db"), session(1, "api"), session(2, "web")
NOW = "2026-01-31T12:00:00Z"


def server(*sessions: status.Session) -> status.Server:
    return status.Server(running=True, sessions=sessions)


def made(*sessions: status.Session) -> grouping.ByHand:
    return grouping.added(grouping.ByHand(), "backend", sessions, NOW)


NAMES = strategies.text("abc-_", min_size=1, max_size=4)


@hypothesis.given(
    strategies.dictionaries(NAMES, strategies.lists(strategies.tuples(strategies.text(), strategies.text()))),
    strategies.dictionaries(strategies.text(), strategies.lists(strategies.text(), min_size=1)),
)
def test_whatever_is_written_is_read(
    groups: dict[str, list[tuple[str, str]]], needs: dict[str, list[str]]
) -> None:
    found = grouping.ByHand(
        groups={
            name: grouping.Group(
                created_at=NOW, members=tuple(grouping.Member(name=one, id=other) for one, other in members)
            )
            for name, members in groups.items()
        },
        dependencies={name: tuple(others) for name, others in needs.items()},
    )
    text = grouping.text(found)
    assert grouping.parse(text) == found
    assert text.isascii()
    assert not set(text) & set("#{},\n; ")


@pytest.mark.parametrize("text", ["x", "e30=", "bnVsbA==", "!", "W10="])
def test_what_cannot_be_read_is_not_written_over(text: str) -> None:
    with pytest.raises(errors.Conflict, match="cannot be read"):
        grouping.parse(text)


def test_a_session_is_in_it_once_and_stays_when_it_is_renamed() -> None:
    found = grouping.added(made(DB, API), "backend", [API, WEB], NOW)
    assert [each.name for each in found.groups["backend"].members] == ["db", "api", "web"]
    now = server(session(0, "database"), API)
    assert [grouping.called(each, now) for each in found.groups["backend"].members] == [
        "database",
        "api",
        None,
    ]
    assert grouping.of_session(found, now.sessions[0]) == ("backend",)
    left = grouping.removed(found, "backend", ["database"], now)
    assert [each.name for each in left.groups["backend"].members] == ["api", "web"]
    with pytest.raises(errors.UsageError, match="is not in the group"):
        grouping.removed(found, "backend", ["nobody"], now)


def test_one_that_was_made_anew_is_in_it_by_its_name() -> None:
    assert grouping.called(made(DB).groups["backend"].members[0], server(session(5, "db"))) == "db"


def test_what_is_ended_is_forgotten() -> None:
    found = grouping.depending(grouping.depending(made(DB, API), "api", "db"), "db", "web")
    left = grouping.forgotten(found, DB)
    assert [each.name for each in left.groups["backend"].members] == ["api"]
    assert left.dependencies == {}


def test_a_circle_is_refused_and_told() -> None:
    found = grouping.ByHand()
    for one, other in (("api", "db"), ("web", "api"), ("web", "db")):
        found = grouping.depending(found, one, other)
    assert grouping.depending(found, "web", "db") == found
    assert grouping.order(found.dependencies, "web") == ("db", "api", "web")
    with pytest.raises(errors.Conflict, match=r"db → web → api → db|db → web → db"):
        grouping.depending(found, "db", "web")
    with pytest.raises(errors.Conflict, match="db → db"):
        grouping.depending(found, "db", "db")
    assert grouping.independent(found, "api", "db").dependencies == {"web": ("api", "db")}
    with pytest.raises(errors.UsageError, match="does not wait"):
        grouping.independent(found, "db", "api")


def test_names() -> None:
    with pytest.raises(errors.UsageError, match="cannot be a group's name"):
        grouping.created(grouping.ByHand(), "a b", NOW)
    with pytest.raises(errors.UsageError) as told:
        grouping.known(made(DB), "backnd")
    assert told.value.diagnostics[0].hint == "did you mean backend?"
    assert grouping.deleted(made(DB), "backend") == grouping.ByHand()
