"""JSON, TOML, YAML and `.env` of somebody else's: a map, or a remark. Whatever the text is, it neither fails nor grows."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from orchestra.discover.project import folder, found
from orchestra.model import dotenv, errors
from orchestra.model.diagnostic import Diagnostic

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


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
    """Raises ValueError."""
    from orchestra.discover import notes, tree, yaml_text  # only projects that have YAML pay for it

    try:
        node = yaml_text.document("", text, notes.Notes())
    except errors.ManifestError as failed:
        raise ValueError(str(failed)) from failed
    return tree.plain(node)
