"""JSON, TOML, YAML and `.env` of somebody else's: a map, or a remark. Whatever the text is, it neither fails nor grows."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from orchestra.discover.project import folder, found
from orchestra.model import dotenv
from orchestra.model.diagnostic import Diagnostic

if TYPE_CHECKING:
    import yaml

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
MOST_YAML = 1 << 18
"""Characters. The reader that can be watched is slow."""
MOST_MERGED = 20_000
"""Entries that `<<` may bring in."""


def json_map(place: folder.Place, name: str) -> Mapping[str, Any] | Diagnostic:
    return _read(place, name, json.loads, "JSON")


def toml_map(place: folder.Place, name: str) -> Mapping[str, Any] | Diagnostic:
    return _read(place, name, tomllib.loads, "TOML")


def yaml_map(place: folder.Place, name: str) -> Mapping[str, Any] | Diagnostic:
    return _read(place, name, yaml_value, "YAML")


def env(text: str) -> dict[str, str]:
    """As far as it can be read."""
    values: dict[str, str] = {}
    try:
        for each in dotenv.assignments(text):
            values[each.name] = each.value
    except dotenv.Malformed:
        pass
    return values


def is_env(text: str) -> bool:
    """Whether a manifest can take it as `env_file`."""
    try:
        return all(VARIABLE.match(each.name) for each in dotenv.assignments(text))
    except dotenv.Malformed:
        return False


def mapping(value: object) -> Mapping[str, Any]:
    """Nothing is as nested as it should be: what is no map with texts for keys is an empty one."""
    return (
        {key: each for key, each in value.items() if isinstance(key, str)} if isinstance(value, dict) else {}
    )


def texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def port(value: object) -> int | None:
    """A usable port, as a number or a text of digits."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip() if not isinstance(value, int) or abs(value) < 100_000 else ""
    return (
        int(text) if text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536 else None
    )


def _read(
    place: folder.Place, name: str, parse: Callable[[str], object], kind: str
) -> Mapping[str, Any] | Diagnostic:
    path = place.path(name)
    text = place.folder.text(path)
    if text is None:
        why = place.folder.unread.pop(path, "it cannot be read")
        return found.warning(f"{path} is left out: {why}")
    try:
        value = parse(text)
    except (ValueError, RecursionError, OverflowError):
        return found.warning(f"{path} is left out: it is not {kind} that can be read")
    if not isinstance(value, dict):
        return found.warning(f"{path} is left out: it is not a map of keys and values")
    return mapping(value)


def yaml_value(text: str) -> object:
    """Raises ValueError or RecursionError."""
    import yaml  # only projects that have YAML pay for it

    if len(text) > MOST_YAML:
        raise ValueError("too large")
    try:
        return yaml.load(text, Loader=_loader(yaml.SafeLoader))  # noqa: S506 - a safe one
    except yaml.YAMLError as failed:
        raise ValueError("not YAML") from failed


def _loader(base: type[yaml.SafeLoader]) -> type[yaml.SafeLoader]:
    class Loader(base):  # type: ignore[valid-type, misc]
        """`<<` within a budget: ten lines of it can mean ten billion entries."""

        merged = 0

        def flatten_mapping(self, node: Any) -> None:
            brought: list[Any] = []
            own: list[Any] = []
            for key, value in node.value:
                if key.tag != "tag:yaml.org,2002:merge":
                    own.append((key, value))
                    continue
                sources = [value] if hasattr(value, "flow_style") and _is_map(value) else list(value.value)
                for each in reversed(sources):
                    if not _is_map(each):
                        raise ValueError("only maps are merged")
                    self._count(each)
                    self.flatten_mapping(each)
                    self._count(each)
                    brought.extend(each.value)
            node.value = brought + own

        def _count(self, node: Any) -> None:
            self.merged += 1 + len(node.value)
            if self.merged > MOST_MERGED:
                raise ValueError("too much is merged")

    return Loader


def _is_map(node: Any) -> bool:
    return bool(getattr(node, "id", None) == "mapping")
