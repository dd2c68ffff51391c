from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from orchestra.model import event
from tests.support import event_schema
from tests.unit.store import scene


@functools.cache
def validator() -> Any:
    return jsonschema.Draft202012Validator(json.loads(event_schema.FILE.read_text(encoding="utf-8")))


def test_it_is_fresh() -> None:
    stale = "run python -m tests.support.event_schema"
    assert event_schema.FILE.read_text(encoding="utf-8") == event_schema.text(), stale


def test_it_is_a_schema_and_says_what_everything_is() -> None:
    schema = validator().schema
    jsonschema.Draft202012Validator.check_schema(schema)
    for properties in _properties(schema):
        for name, rules in properties.items():
            assert rules["description"], name


def _properties(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema["properties"]
    for each in schema["$defs"].values():
        yield each["properties"]


@pytest.mark.parametrize("type_", event.BODIES)
def test_its_examples_are_events(type_: str) -> None:
    (example,) = validator().schema["$defs"][type_]["examples"]
    validator().validate(example)
    loaded = event.load(example)
    assert loaded.type == type_
    assert event.dump(loaded) == example


@given(scene.events())
def test_every_event_fits(given: event.Event) -> None:
    validator().validate(event.dump(given))


@pytest.mark.parametrize(
    "change",
    [
        {"type": "pane.sang"},
        {"pid": "4242"},
        {"pid": None},
        {"time": 5},
        {"sequence": 0},
        {"surplus": 1},
        {"type": "pane.closed"},
    ],
)
def test_what_is_no_event_does_not_fit(change: dict[str, Any]) -> None:
    assert validator().is_valid(event_schema.example("pane.exited"))
    assert not validator().is_valid(event_schema.example("pane.exited") | change)
