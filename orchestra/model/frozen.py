"""`@frozen`: a frozen dataclass with slots and keyword-only fields, whose methods are made when they are used first.

`dataclass` compiles each of its methods when a class is defined. A command defines two hundred classes and uses few of them: that was a
quarter of the processor time it took (`python -m benchmarks.start`). To `dataclasses` these are dataclasses like all others.
"""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")


@typing.dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,))
def frozen(cls: type[T]) -> type[T]:
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # else `dataclass` works one out, from a signature that is not there yet
    made = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=True, slots=True)(cls)
    for method in (*_LATER, __setattr__, __delattr__, __setstate__):
        if method.__name__ not in cls.__dict__:
            setattr(made, method.__name__, method)
    return made


def _make(cls: type[Any]) -> None:
    """By a frozen dataclass with the same fields."""
    fields = {each.name: each for each in dataclasses.fields(cls)}
    like: dict[str, Any] = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "__annotations__": {name: each.type for name, each in fields.items()},
    }
    if hasattr(cls, "__post_init__"):
        like["__post_init__"] = cls.__post_init__
    for name, each in fields.items():
        like[name] = dataclasses.field(
            default=each.default,
            default_factory=each.default_factory,
            init=each.init,
            repr=each.repr,
            hash=each.hash,
            compare=each.compare,
            kw_only=True,
        )
    model: Any = dataclasses.dataclass(frozen=True)(type(cls.__name__, (), like))
    for method in _LATER:
        if getattr(cls, method.__name__) is method:
            setattr(cls, method.__name__, getattr(model, method.__name__))


def __init__(self: Any, *args: Any, **fields: Any) -> None:
    _make(type(self))
    type(self).__init__(self, *args, **fields)


def __repr__(self: Any) -> str:
    _make(type(self))
    return repr(self)


def __eq__(self: Any, other: object) -> bool:
    _make(type(self))
    return bool(self == other)


def __hash__(self: Any) -> int:
    _make(type(self))
    return hash(self)


_LATER = (__init__, __repr__, __eq__, __hash__)


def __setattr__(self: Any, name: str, value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def __delattr__(self: Any, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def __setstate__(self: Any, state: tuple[None, dict[str, Any]]) -> None:
    """For copies: all that there is is in slots."""
    for name, value in state[1].items():
        object.__setattr__(self, name, value)
