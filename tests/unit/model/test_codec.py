"""Every value of the model goes out as JSON and comes back the same."""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Union

import hypothesis
import pytest
from hypothesis import strategies as st

from orchestra.model import action, codec, diagnostic, plan, progress, spec, status
from orchestra.plan import record

TEXT = st.text(max_size=8)
KINDS = [
    kind
    for module in (action, diagnostic, plan, progress, spec, status)
    for kind in vars(module).values()
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and kind.__module__ == module.__name__
]
"""Every dataclass of the model."""


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type, by the model's hints. Written for the test alone: it shares nothing with the codec."""
    origin = typing.get_origin(kind)
    if kind is type(None):
        return st.none()
    if origin in (Union, types.UnionType):
        return st.one_of(*map(values, typing.get_args(kind)))
    if origin is tuple:
        return st.lists(values(typing.get_args(kind)[0]), max_size=2).map(tuple)
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(TEXT, values(typing.get_args(kind)[1]), max_size=2)
    if dataclasses.is_dataclass(kind):
        return st.deferred(lambda: _instances(kind))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: TEXT,
        int: st.integers(-(10**6), 10**6),
        bool: st.booleans(),
        float: st.floats(allow_nan=False, allow_infinity=False),
        timedelta: st.integers(0, 10**9).map(lambda thousandths: timedelta(milliseconds=thousandths)),
    }
    return plain[kind]


def _instances(kind: Any) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{field.name: values(hints[field.name]) for field in dataclasses.fields(kind)})


@pytest.mark.parametrize(
    "kind", KINDS, ids=lambda kind: f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}"
)
def test_every_value_comes_back(kind: Any) -> None:
    @hypothesis.settings(max_examples=20)
    @hypothesis.given(values(kind))
    def check(value: Any) -> None:
        plain = json.loads(json.dumps(codec.dump(value)))
        assert codec.load(kind, plain) == value

    check()


def test_defaults_are_left_out() -> None:
    """A field that is added later with a default does not change the records that stand on live objects."""
    assert codec.dump(spec.Pane(address="a/b", dir="/")) == {"address": "a/b", "dir": "/"}
    assert codec.dump(spec.Stop()) == {}


def test_a_member_of_a_union_says_what_it_is() -> None:
    probe = spec.TcpProbe(host="h", port=1)
    assert codec.dump(spec.Health(probe=probe)) == {"probe": {"is": "TcpProbe", "host": "h", "port": 1}}
    assert codec.load(spec.Health, {"probe": {"is": "OutputProbe", "pattern": "x"}}) == spec.Health(
        probe=spec.OutputProbe(pattern="x")
    )


STEP = {
    "id": 1,
    "action": {
        "is": "DeletePane",
        "address": "a/b",
        "expect": {"workspace": "w", "address": "a/b", "uid": "u"},
    },
}
PANE = {"address": "a/b", "dir": "/"}


@pytest.mark.parametrize(
    ("kind", "plain", "path"),
    [
        (spec.Pane, 3, "$: int instead of dict"),
        (spec.Pane, {"dir": "/"}, "$: "),
        (spec.Pane, {**PANE, "new": 1}, "$: unknown new"),
        (spec.Pane, {**PANE, "dir": None}, "$.dir: NoneType instead of str"),
        (spec.Pane, {**PANE, "env": {"A": 1}}, "$.env.A: int instead of str"),
        (spec.Pane, {**PANE, "env": ["A"]}, "$.env: list instead of dict"),
        (spec.Pane, {**PANE, "send_keys": ["a", 2]}, "$.send_keys[1]: int instead of str"),
        (spec.Pane, {**PANE, "focus": 1}, "$.focus: int instead of bool"),
        (spec.Pane, {**PANE, "command": {"a": 1}}, "$.command: fits none of str"),
        (
            spec.Pane,
            {**PANE, "health": {"probe": {"is": "Guess"}}},
            "$.health.probe: fits none of CommandProbe",
        ),
        (spec.Pane, {**PANE, "stop": {"timeout": "1s"}}, "$.stop.timeout: str instead of"),
        (
            spec.Pane,
            {**PANE, "depends_on": [{"pane": "c", "condition": "asleep"}]},
            "$.depends_on[0].condition: ",
        ),
        (spec.Size, {"cells": True}, "$.cells: fits none of"),
        (spec.Stop, {"timeout": True}, "$.timeout: bool instead of"),
        (plan.Step, {**STEP, "id": True}, "$.id: bool instead of int"),
        (plan.Step, {**STEP, "after": [1, "2"]}, "$.after[1]: str instead of int"),
        (plan.Step, {**STEP, "action": {**STEP["action"], "expect": {}}}, "$.action.expect: "),  # type: ignore[dict-item]
        (plan.Step, {**STEP, "action": {"address": "a/b"}}, "$.action"),
    ],
)
def test_errors_name_the_path(kind: type, plain: object, path: str) -> None:
    with pytest.raises(codec.LoadError) as failed:
        codec.load(kind, plain)
    assert str(failed.value).startswith(path)


@pytest.mark.parametrize("number", [float("inf"), float("nan"), 1e300, -1e300, 10**400])
def test_a_duration_that_is_none_is_refused(number: float) -> None:
    """A saved plan and a record are anybody's text."""
    with pytest.raises(codec.LoadError):
        codec.load(spec.Stop, {"timeout": number})


def _bad(plain: Any) -> Iterator[Any]:
    """The same data with one part of another type."""
    wrong: tuple[Any, ...] = (None, [], {}, "x", 1, 1.5, True)
    yield from wrong
    if isinstance(plain, dict):
        for key, each in plain.items():
            for bad in _bad(each):
                yield {**plain, key: bad}
        yield {**plain, "surprise": 1}
    elif isinstance(plain, list):
        for place, each in enumerate(plain):
            for bad in _bad(each):
                yield [*plain[:place], bad, *plain[place + 1 :]]


def _refusal(plain: object) -> str:
    try:
        codec.dump(codec.load(record.PaneRecord, plain))
    except codec.LoadError as error:
        return str(error)
    return "$: it is such a value"


@hypothesis.given(values(record.PaneRecord))
@hypothesis.settings(max_examples=10)
def test_other_data_is_refused_or_read_but_never_an_accident(value: record.PaneRecord) -> None:
    assert all(_refusal(plain).startswith("$") for plain in _bad(codec.dump(value)))
