"""Model values to plain JSON data and back, by their type hints. A union's member is told by its class name under `is`.

Needs no registration: `load(plan.Plan, dump(p)) == p` for every model class. `LoadError` names the path of what does not fit.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar, Union, cast

from orchestra.model import action, rules, spec

T = TypeVar("T")


class LoadError(ValueError):
    """The data is not such a value; the message names the path."""


def dump(value: object) -> Any:
    """Fields that hold their default are left out: records stay small and new fields with defaults do not change old ones."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        plain: dict[str, Any] = {}
        for name, default in _defaults(type(value)):
            item = getattr(value, name)
            if default is dataclasses.MISSING or item != default:
                plain[name] = _tagged(item)
        return plain
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {key: _tagged(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_tagged(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    return value


def load(kind: type[T], data: object) -> T:
    return cast(T, _load(kind, data, "$"))


def _tagged(value: object) -> Any:
    plain = dump(value)
    if type(value) in _union_members():
        plain = {"is": type(value).__name__, **plain}
    return plain


@functools.cache
def _union_members() -> frozenset[type]:
    """Classes that stand in a union of several model classes and so must say which they are."""
    unions = (action.Action, spec.Probe, rules.Act, rules.On, rules.Cron | rules.Every | rules.At)
    return frozenset(member for union in unions for member in typing.get_args(union))


@functools.cache
def _defaults(kind: type) -> tuple[tuple[str, object], ...]:
    rows: list[tuple[str, object]] = []
    for field in dataclasses.fields(kind):
        default: object = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        rows.append((field.name, default))
    return tuple(rows)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _load(kind: Any, data: Any, path: str) -> object:
    origin = typing.get_origin(kind)
    if origin in (Union, types.UnionType):
        return _load_union(typing.get_args(kind), data, path)
    if origin is tuple:
        item, _ = typing.get_args(kind)
        return tuple(_load(item, each, f"{path}[{n}]") for n, each in enumerate(_need(list, data, path)))
    if origin is not None and issubclass(origin, Mapping):
        _, item = typing.get_args(kind)
        return {key: _load(item, each, f"{path}.{key}") for key, each in _need(dict, data, path).items()}
    if dataclasses.is_dataclass(kind):
        return _load_dataclass(cast(type, kind), data, path)
    if kind is timedelta:
        try:
            return timedelta(seconds=_need((int, float), data, path))
        except (OverflowError, ValueError) as error:
            if isinstance(error, LoadError):
                raise
            raise LoadError(f"{path}: {error}") from error
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(data)
        except ValueError as error:
            raise LoadError(f"{path}: {error}") from error
    return _need(kind, data, path)


def _load_union(members: tuple[Any, ...], data: Any, path: str) -> object:
    if data is None and types.NoneType in members:
        return None
    for member in members:
        if dataclasses.is_dataclass(member):
            if (
                isinstance(data, dict)
                and data.get("is", cast(type, member).__name__) == cast(type, member).__name__
            ):
                return _load(member, data, path)
        elif member is timedelta:
            if isinstance(data, int | float) and not isinstance(data, bool):
                return _load(member, data, path)
        elif typing.get_origin(member) is tuple:
            if isinstance(data, list):
                return _load(member, data, path)
        elif member is not types.NoneType and isinstance(data, member) and not isinstance(data, bool):
            return data
    raise LoadError(f"{path}: fits none of {', '.join(getattr(m, '__name__', str(m)) for m in members)}")


def _load_dataclass(kind: type, data: Any, path: str) -> object:
    plain = dict(_need(dict, data, path))
    plain.pop("is", None)
    hints = _hints(kind)
    names = {name for name, _ in _defaults(kind)}
    if unknown := plain.keys() - names:
        raise LoadError(f"{path}: unknown {', '.join(sorted(unknown))}")
    try:
        return kind(**{name: _load(hints[name], item, f"{path}.{name}") for name, item in plain.items()})
    except TypeError as error:
        raise LoadError(f"{path}: {error}") from error


def _need(kind: Any, data: Any, path: str) -> Any:
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool and kind is not object):
        raise LoadError(f"{path}: {type(data).__name__} instead of {getattr(kind, '__name__', kind)}")
    return data
