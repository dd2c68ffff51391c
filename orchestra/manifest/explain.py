"""What jsonschema finds, in words a user can act on, each at the very key or value it is about."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry

from orchestra.manifest import limits, scalar, schemas, tree
from orchestra.manifest.problem import Problems, listed, quoted
from orchestra.manifest.tree import Map, Node, Unknown
from orchestra.model.diagnostic import Location

TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "array": "a list",
    "object": "a map",
}
EMPTY = frozenset({"minLength", "minItems", "minProperties"})
LONG = frozenset({"maxLength", "maxItems", "maxProperties"})
KINDS = ("session", "window", "pane", "health", "stop", "secret")
"""Where a key that stands in the wrong place may belong."""
KEYS = frozenset({"health", "stop", "defaults"})
"""Kinds that are called by their key."""


def misfits(node: Node, part: str, schema: schemas.Schema, problems: Problems) -> None:
    """`part` of the schema (a `$ref`) is what the node must fit."""
    found = _validator(schema is schemas.written()).descend(tree.plain(node), {"$ref": part})
    for error in itertools.islice(found, 2 * limits.PROBLEMS):
        _tell(error, node, schema, problems)


@functools.cache
def _validator(templates: bool) -> Draft202012Validator:
    schema = schemas.written() if templates else schemas.evaluated()
    # An empty registry: nothing is ever fetched.
    return Draft202012Validator(_spelled_out(schema), registry=Registry())


def _spelled_out(part: Any) -> Any:
    """With `false` said as `not: {}`, which jsonschema tells a path for."""
    match part:
        case dict():
            return {
                key: {"not": {}}
                if inner is False and key not in ("additionalProperties", "default")
                else _spelled_out(inner)
                for key, inner in part.items()
            }
        case list():
            return [_spelled_out(inner) for inner in part]
        case _:
            return part


def _tell(error: ValidationError, root: Node, schema: schemas.Schema, problems: Problems) -> None:
    if isinstance(error.instance, Unknown):
        return
    node, key_at = _found(root, error.absolute_path)
    rules: Mapping[str, object] = error.schema if isinstance(error.schema, dict) else {}
    way = [str(step) for step in error.absolute_schema_path]
    if "propertyNames" in way:
        assert isinstance(node, Map)
        _misfit(node.entries[str(error.instance)].at, error, rules, schema, problems)
    elif error.validator == "additionalProperties":
        _unknown_keys(node, rules, schema, problems)
    elif error.validator == "required":
        _missing_keys(node, rules, problems)
    elif error.validator == "not":
        _refused_key(key_at, way, problems)
    elif error.validator == "anyOf" and (nearer := list(_nearer(error))):
        for inner in nearer:
            _tell(inner, root, schema, problems)
    else:
        _misfit(node.at, error, rules, schema, problems)


def _found(root: Node, path: Iterable[str | int]) -> tuple[Node, Location]:
    """And where its key is, or itself in a list."""
    node, at = root, root.at
    for step in path:
        if isinstance(node, Map):
            entry = node.entries[str(step)]
            node, at = entry.node, entry.at
        else:
            node = tree.items(node)[int(step)]
            at = node.at
    return node, at


def _unknown_keys(
    node: Node, rules: Mapping[str, object], schema: schemas.Schema, problems: Problems
) -> None:
    known = rules["properties"]
    assert isinstance(known, dict)
    title = str(rules["title"])
    for key, entry in tree.children(node):
        if key in known:
            continue
        elsewhere = [_one(kind) for kind in KINDS if kind != title and key in _keys(schema, kind)]
        problems.add(
            entry.at,
            f"unknown key {quoted(key)} in {_one(title)}",
            hint=f"it belongs in {' or '.join(elsewhere)}"
            if elsewhere
            else f"there are {listed(known, most=30)}",
            word=key,
            among=() if elsewhere else known,
        )


def _keys(schema: schemas.Schema, kind: str) -> Mapping[str, object]:
    found = schemas.part(schema, f"#/$defs/{kind}/properties")
    assert isinstance(found, dict)
    return found


def _one(kind: str) -> str:
    if kind in KEYS:
        return quoted(kind)
    if kind.endswith("s"):
        return f"the {kind}"
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _missing_keys(node: Node, rules: Mapping[str, object], problems: Problems) -> None:
    required = rules["required"]
    assert isinstance(required, list)
    for key in required:
        if tree.child(node, key) is None:
            problems.add(node.at, f"{quoted(key)} is missing", hint=_example(key, rules))


def _refused_key(at: Location, way: list[str], problems: Problems) -> None:
    """`way` ends in `dependentSchemas, rival, properties, key, not` or `properties, kind, properties, key, not`."""
    key = way[-2]
    if way[-5:-4] == ["dependentSchemas"]:
        problems.add(at, f"{quoted(way[-4])} and {quoted(key)} exclude each other", hint="keep one of them")
    else:
        problems.add(at, f"{quoted(key)} cannot be a default here")


def _nearer(error: ValidationError) -> Iterator[ValidationError]:
    """The errors inside the one alternative that is of the value's own kind."""
    alternatives: dict[object, list[ValidationError]] = {}
    for inner in error.context or ():
        alternatives.setdefault(inner.schema_path[0], []).append(inner)
    for errors in alternatives.values():
        if all(inner.relative_path or inner.validator == "additionalProperties" for inner in errors):
            yield from errors


def _misfit(
    at: Location,
    error: ValidationError,
    rules: Mapping[str, object],
    schema: schemas.Schema,
    problems: Problems,
) -> None:
    if error.validator in EMPTY:
        problems.add(at, "this must not be empty")
    elif error.validator in LONG:
        problems.add(at, f"this is too long: at most {error.validator_value} are allowed")
    else:
        wanted = rules.get("x-expected") or _wanted(rules, schema)
        problems.add(
            at,
            f"expected {wanted}, found {_shown(error.instance)}",
            hint=_remedy(error, rules),
            word=error.instance if isinstance(error.instance, str) else None,
            among=tuple(_choices(rules, schema)),
        )


def _choices(rules: Mapping[str, Any], schema: schemas.Schema) -> Iterator[str]:
    if "$ref" in rules:
        yield from _choices(schemas.part(schema, rules["$ref"]), schema)
    yield from (choice for choice in rules.get("enum", ()) if isinstance(choice, str))
    for alternative in rules.get("anyOf", ()):
        yield from _choices(alternative, schema)


def _wanted(rules: Mapping[str, Any], schema: schemas.Schema) -> str:
    if choices := tuple(_choices(rules, schema)):
        return "one of " + listed(choices)
    types = rules.get("type")
    kinds = types if isinstance(types, list) else [types]
    return " or ".join(TYPES[str(kind)] for kind in kinds if kind in TYPES) or "something else"


def _shown(instance: object) -> str:
    match instance:
        case dict():
            return "a map"
        case list():
            return "a list"
        case _:
            return quoted(instance)


def _remedy(error: ValidationError, rules: Mapping[str, object]) -> str | None:
    if error.validator != "type":
        return None
    match error.validator_value, error.instance:
        case "string", bool() | int() | float() as value:
            spelled = scalar.spelled(value)
            fits = re.search(str(rules.get("pattern", "")), spelled)
            return f'write it as text: "{spelled}"' if fits else None
        case "array", str():
            return "write a list: `[…]`"
        case "boolean", "yes" | "no" | "on" | "off" | "Yes" | "No" | "On" | "Off":
            return "this is text in YAML 1.2"
        case "object", None:
            return "write `{}` for one without settings"
        case _:
            return None


def _example(key: str, rules: Mapping[str, object]) -> str | None:
    properties = rules.get("properties")
    match properties.get(key) if isinstance(properties, dict) else None:
        case {"examples": [example, *_]}:
            return f"for example `{key}: {example}`"
        case _:
            return None
