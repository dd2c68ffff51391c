from __future__ import annotations

import dataclasses
import json
import zoneinfo
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra.model import event
from orchestra.store import row
from tests.unit.store import scene

ODD = st.text(st.characters(exclude_categories=()), max_size=20)
"""With lone surrogates, and halves that stand side by side."""


@given(scene.events(ODD))
def test_event_json_round_trip(given: event.Event) -> None:
    assert event.load(json.loads(json.dumps(event.dump(given)))).type == given.type
    assert event.load(event.dump(given)) == given


@given(scene.events())
def test_a_row_gives_back_the_event(given: event.Event) -> None:
    numbered = row.numbered(row.prepare(given), 7)
    assert row.load(numbered) == dataclasses.replace(given, sequence=7)


@given(scene.events(ODD))
def test_what_is_no_unicode_is_replaced_before_it_is_kept(given: event.Event) -> None:
    prepared = row.prepare(given)
    told = row.stamped(prepared, 7)
    assert row.load(row.numbered(prepared, 7)) == told
    json.dumps(event.dump(told), ensure_ascii=False).encode()
    if _is_unicode(given):
        assert told == dataclasses.replace(given, sequence=7)


def _is_unicode(given: event.Event) -> bool:
    try:
        json.dumps(event.dump(given), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("odd", "kept"),
    [
        ("a\udc80b", "a\ufffdb"),
        ("\ud83d\ude00", "😀"),
        ("\udc00\ud800", "\ufffd\ufffd"),
        ("\0\x1b", "\0\x1b"),
    ],
)
def test_replacements(odd: str, kept: str) -> None:
    assert row.readable(odd) == kept


def test_many_through_the_journal(tmp_path: Path) -> None:
    """Hypothesis' own events, in one file."""
    kept: list[event.Event] = []
    with scene.make(tmp_path / "journal.db") as opened:

        @given(st.lists(scene.events(ODD), max_size=10))
        def append(events: list[event.Event]) -> None:
            kept.extend(scene.done(opened.append(events)))

        append()
        assert scene.everything(opened) == tuple(kept)
        assert scene.sequences(kept) == list(range(1, len(kept) + 1))


@pytest.mark.parametrize("column", range(8))
def test_a_changed_value_is_told_in_its_place(column: int) -> None:
    values: list[object] = list(row.numbered(row.prepare(scene.exited(1)), 7))
    changed = [1, 1, "pane.closed", "other", "other", "other", "{}", 1]
    values[column] = changed[column]
    told = row.load(values)
    assert isinstance(told.body, event.DaemonFault)
    assert "damaged" in told.body.reason
    assert told.sequence == (1 if column == 0 else 7)


def test_a_type_of_another_version() -> None:
    prepared = row.prepare(scene.exited(1))
    values = (prepared.values[0], "pane.sang", *prepared.values[2:])
    other = dataclasses.replace(prepared, values=values, crc=row.crc(values))
    told = row.load(row.numbered(other, 3))
    assert isinstance(told.body, event.DaemonFault)
    assert "pane.sang" in told.body.reason
    assert told.time == scene.NOW


def test_times_are_told_in_utc() -> None:
    """Of two equal hours at the end of summer, the one that is meant."""
    time = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    told = row.stamped(row.prepare(scene.exited(1, time=time)), 1)
    assert told.time == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert told.time.tzinfo is UTC


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        row.prepare(scene.exited(1, time=datetime(2026, 1, 1)))  # noqa: DTZ001
