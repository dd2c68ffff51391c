"""The schema of manifests, as it ships, and as it is once templates are evaluated."""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Mapping
from typing import Any

FILE = "schemas/manifest.schema.json"
TEMPLATE = {"$ref": "#/$defs/template"}
Schema = Mapping[str, object]


@functools.cache
def written() -> Schema:
    """What editors use: wherever a value has a form, a template may stand instead."""
    loaded: Schema = json.loads(importlib.resources.files("orchestra").joinpath(FILE).read_text("utf-8"))
    return loaded


@functools.cache
def evaluated() -> Schema:
    """Without the templates, so that none slips through as a value."""
    without = _without_templates(written())
    assert isinstance(without, Mapping)
    return without


def part(schema: Schema, ref: str) -> Any:
    """What a `$ref` such as `#/$defs/pane` stands for."""
    found: Any = schema
    for step in ref.split("/")[1:]:
        found = found[step]
    return found


def _without_templates(part: object) -> object:
    if isinstance(part, list):
        return [_without_templates(item) for item in part if item != TEMPLATE]
    if not isinstance(part, dict):
        return part
    plain = {key: _without_templates(value) for key, value in part.items()}
    match plain.get("anyOf"):
        case [dict(only)]:
            del plain["anyOf"]
            return {**only, **plain}
        case _:
            return plain
