"""Frozen classes are dataclasses in every respect, though their methods are made late."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Mapping
from dataclasses import field

import pytest

from orchestra.model.frozen import frozen


@frozen
class Base:
    name: str
    count: int = 0
    more: Mapping[str, int] = field(default_factory=dict, hash=False)


@frozen
class Child(Base):
    """With one more, and a rule."""

    child: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("count")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    name: str
    count: int = 0
    more: Mapping[str, int] = field(default_factory=dict, hash=False)


@pytest.mark.parametrize("kind", [Base, Child, Real])
def test_it_is_a_dataclass(kind: type[Base]) -> None:
    one, same, other = kind(name="x"), kind(name="x", more={}), kind(name="x", count=1)
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != "x"  # type: ignore[comparison-overlap]
    assert one.more is not same.more
    assert dataclasses.replace(one, count=1) == other
    assert repr(other).startswith(f"{kind.__qualname__}(name='x', count=1, more={{}}")
    assert [each.name for each in dataclasses.fields(one)][:3] == ["name", "count", "more"]
    assert not hasattr(one, "__dict__")
    for copied in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert copied == one
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.name = "y"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.name
    with pytest.raises(TypeError, match="name"):
        kind()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unknown"):
        kind(name="x", unknown=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional"):
        kind("x")  # type: ignore[call-arg]
    match one:
        case Base(name="x") | Real(name="x"):
            pass
        case _:
            pytest.fail("does not match")


def test_whatever_is_used_first() -> None:
    """A class each, because the first use makes all."""
    uses = (repr, hash, lambda value: value == value, lambda value: dataclasses.replace(value, count=2))
    for use in uses:

        @frozen
        class Own:
            count: int = 0

        made = object.__new__(Own)
        object.__setattr__(made, "count", 1)
        use(made)
        assert Own(count=1) == made
        assert Own(count=2) != made
        assert repr(made).endswith("Own(count=1)")
        assert len({made, Own(count=1)}) == 1


def test_a_child_has_its_own_rules() -> None:
    assert Child(name="x", child=True) == Child(name="x")
    assert Child(name="x") != Base(name="x")
    with pytest.raises(ValueError, match="count"):
        Child(name="x", count=-1)


def test_what_a_class_says_itself_stays() -> None:
    @frozen
    class Own:
        name: str

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

        def __hash__(self) -> int:
            return 7

    assert repr(Own(name="x")) == "own"
    assert Own(name="x") == Own(name="y")
    assert hash(Own(name="x")) == 7
