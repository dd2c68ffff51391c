"""What is answered without jsonschema must be what jsonschema answers."""

import json
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies
from jsonschema import Draft202012Validator
from referencing import Registry

from orchestra.manifest import fits, parse, schemas, tree
from orchestra.manifest.problem import Problems
from orchestra.model.diagnostic import Location

KINDS = (
    "session",
    "window",
    "pane",
    "health",
    "stop",
    "group",
    "defaults",
    "environment",
    "variable",
    "secret",
    "settings",
    "dependency",
    "depends_on",
    "layout",
    "command",
    "env",
    "duration",
    "flag",
)
NOISE: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    1.0,
    1.5,
    -1,
    10**6,
    10**7,
    "",
    "x",
    "{{ x }}",
    "a b",
    "1s",
    "50%",
    "started",
    [],
    {},
    [""],
    ["x", 1],
    {"x": "y"},
    "x" * 2000,
]


def examples(part: Any) -> list[Any]:
    own = (
        part.get("examples", []) + ([part["default"]] if "default" in part else [])
        if isinstance(part, dict)
        else []
    )
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return (
        [*own, *(example for one in inner for example in examples(one))] if not isinstance(own, dict) else []
    )


EXAMPLES = [example for example in examples(dict(schemas.written())) if example is not None]


@strategies.composite
def documents(draw: strategies.DrawFn) -> tuple[str, Any]:
    kind = draw(strategies.sampled_from(KINDS))
    rules = schemas.part(schemas.written(), f"#/$defs/{kind}")
    value = strategies.sampled_from(NOISE) | strategies.sampled_from(EXAMPLES)
    if "properties" not in rules or draw(strategies.integers(0, 9)) == 0:
        return kind, draw(
            value
            | strategies.dictionaries(strategies.sampled_from(["A", "db", "a b", "TMUX"]), value, max_size=2)
        )
    said = {}
    for key in draw(
        strategies.sets(
            strategies.sampled_from([*rules["properties"], *rules["properties"], "nope"]), max_size=4
        )
    ):
        own = rules["properties"].get(key, {})
        own = (
            {**schemas.part(schemas.written(), own["$ref"]), **own}
            if isinstance(own, dict) and "$ref" in own
            else own
        )
        fitting = own.get("examples") if isinstance(own, dict) else None
        said[key] = draw(strategies.sampled_from(fitting) | value if fitting else value)
    return kind, said


def both(part: str, value: Any, schema: schemas.Schema) -> bool:
    """Whether it fits, which both must say alike."""
    node = parse.document("m", json.dumps(value), Problems())
    if node is None:
        node = tree.Scalar(Location(file="m", line=1, column=1), None, "")
    validator = Draft202012Validator(schema, registry=Registry())
    errors = list(validator.descend(tree.plain(node), {"$ref": part}))
    fitting = fits.fits(node, part, schema)
    assert fitting == (not errors), errors
    return fitting


@hypothesis.settings(max_examples=300)
@hypothesis.given(documents(), strategies.booleans())
def test_both_say_the_same(document: tuple[str, Any], evaluated: bool) -> None:
    kind, value = document
    both(f"#/$defs/{kind}", value, schemas.evaluated() if evaluated else schemas.written())


MANIFEST = {"version": 1, "workspace": "shop"}
BY_KEYWORD: dict[str, tuple[str, Any, Any]] = {
    "$ref": ("#/$defs/window", {"focus": True}, {"focus": 1}),
    "type": ("#/$defs/text", "x", None),
    "const": ("#", MANIFEST, {**MANIFEST, "version": True}),
    "enum": ("#/$defs/condition", "started", "start"),
    "anyOf": ("#/$defs/pane/properties/size", "1%", "0%"),
    "properties": ("#/$defs/group", {"panes": ["a"]}, {"panes": "a"}),
    "additionalProperties": ("#/$defs/group", {"panes": []}, {"pane": []}),
    "propertyNames": ("#/$defs/env", {"A": "b"}, {"TMUX": "b"}),
    "required": ("#", MANIFEST, {"version": 1}),
    "dependentSchemas": ("#/$defs/stop", {"keys": ["a"]}, {"keys": ["a"], "signal": "INT"}),
    "items": ("#/$defs/command", ["a", 1], ["a", []]),
    "prefixItems": ("#/$defs/command", ["a", ""], ["", "a"]),
    "pattern": ("#/$defs/duration", "1s", "1"),
    "minimum": ("#/$defs/threshold", 1, 0),
    "maximum": ("#/$defs/threshold", 10**6, 10**6 + 1),
    "minLength": ("#/$defs/dir", ".", ""),
    "maxLength": ("#/$defs/health", {"output": "x" * 1000}, {"output": "x" * 1001}),
    "minItems": ("#/$defs/session", {"windows": [{}]}, {"windows": []}),
    "maxItems": ("#/$defs/env_file", ["x"] * 20, ["x"] * 21),
    "maxProperties": (
        "#/$defs/labels",
        dict.fromkeys(map(str, range(100)), ""),
        dict.fromkeys(map(str, range(101)), ""),
    ),
}


@pytest.mark.parametrize("keyword", fits.CHECKS)
def test_every_keyword_tells_what_fits(keyword: str) -> None:
    part, good, bad = BY_KEYWORD[keyword]
    assert both(part, good, schemas.written())
    assert not both(part, bad, schemas.written())


@pytest.mark.parametrize("kind", ["session", "pane", "health", "duration"])
def test_what_could_not_be_found_out_fits_everywhere(kind: str) -> None:
    unknown = tree.Scalar(Location(file="m", line=1, column=1), tree.UNKNOWN, "")
    assert fits.fits(unknown, f"#/$defs/{kind}", schemas.evaluated())
