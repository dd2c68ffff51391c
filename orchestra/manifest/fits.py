"""Whether a document fits the schema: yes or no, and nothing else.

jsonschema says why something does not fit. But it takes 120 ms to import and 60 ms for a hundred panes, which every command would
pay; the few keywords our schema uses are answered here in a tenth of that. A test holds the two together.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping

from orchestra.manifest import schemas, tree
from orchestra.manifest.tree import UNKNOWN, List, Map, Node, Scalar

Rules = Mapping[str, object]
Check = Callable[[Node, object, Rules, schemas.Schema], bool]


def fits(node: Node, part: str, schema: schemas.Schema) -> bool:
    """`part` of the schema is named as in a `$ref`."""
    return _ref(node, part, {}, schema)


def _fits(node: Node, rules: object, schema: schemas.Schema) -> bool:
    if isinstance(node, Scalar) and node.value is UNKNOWN:
        return True
    if not isinstance(rules, dict):
        return rules is True
    for keyword, wanted in rules.items():
        check = CHECKS.get(keyword)
        if check is not None and not check(node, wanted, rules, schema):
            return False
    return True


def _ref(node: Node, wanted: object, rules: Rules, schema: schemas.Schema) -> bool:
    return _fits(node, schemas.part(schema, str(wanted)), schema)


def _type(node: Node, wanted: object, rules: Rules, schema: schemas.Schema) -> bool:
    mine = _types(node)
    return any(kind in mine for kind in wanted) if isinstance(wanted, list) else wanted in mine


def _types(node: Node) -> tuple[str, ...]:
    match node:
        case Map():
            return ("object",)
        case List():
            return ("array",)
        case Scalar(value=str()):
            return ("string",)
        case Scalar(value=bool()):
            return ("boolean",)
        case Scalar(value=int()):
            return ("integer", "number")
        case Scalar(value=float(value)):
            return ("integer", "number") if value.is_integer() else ("number",)
        case _:
            return ("null",)


def _const(node: Node, wanted: object, rules: Rules, schema: schemas.Schema) -> bool:
    return _is(node, wanted)


def _enum(node: Node, wanted: object, rules: Rules, schema: schemas.Schema) -> bool:
    assert isinstance(wanted, list)
    return any(_is(node, choice) for choice in wanted)


def _is(node: Node, wanted: object) -> bool:
    """`true` is not 1 here."""
    return (
        isinstance(node, Scalar)
        and node.value == wanted
        and isinstance(node.value, bool) == isinstance(wanted, bool)
    )


def _any_of(node: Node, wanted: object, rules: Rules, schema: schemas.Schema) -> bool:
    assert isinstance(wanted, list)
    return any(_fits(node, choice, schema) for choice in wanted)


def _properties(node: Node, wanted: object, rules: Rules, schema: schemas.Schema) -> bool:
    assert isinstance(wanted, dict)
    return all(_fits(entry.node, wanted[key], schema) for key, entry in tree.children(node) if key in wanted)


def _additional_properties(node: Node, wanted: object, rules: Rules, schema: schemas.Schema) -> bool:
    known = rules.get("properties", ())
    assert isinstance(known, dict | tuple)
    return all(_fits(entry.node, wanted, schema) for key, entry in tree.children(node) if key not in known)


def _property_names(node: Node, wanted: object, rules: Rules, schema: schemas.Schema) -> bool:
    return all(_fits(tree.written(entry.at, key), wanted, schema) for key, entry in tree.children(node))


def _required(node: Node, wanted: object, rules: Rules, schema: schemas.Schema) -> bool:
    assert isinstance(wanted, list)
    return not isinstance(node, Map) or all(key in node.entries for key in wanted)


def _dependent_schemas(node: Node, wanted: object, rules: Rules, schema: schemas.Schema) -> bool:
    assert isinstance(wanted, dict)
    return not isinstance(node, Map) or all(
        _fits(node, inner, schema) for key, inner in wanted.items() if key in node.entries
    )


def _items(node: Node, wanted: object, rules: Rules, schema: schemas.Schema) -> bool:
    prefix = rules.get("prefixItems", ())
    assert isinstance(prefix, list | tuple)
    return all(_fits(item, wanted, schema) for item in tree.items(node)[len(prefix) :])


def _prefix_items(node: Node, wanted: object, rules: Rules, schema: schemas.Schema) -> bool:
    assert isinstance(wanted, list)
    return all(_fits(item, inner, schema) for item, inner in zip(tree.items(node), wanted, strict=False))


def _pattern(node: Node, wanted: object, rules: Rules, schema: schemas.Schema) -> bool:
    text = tree.text(node)
    return text is None or _compiled(str(wanted)).search(text) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _bound(measure: Callable[[Node], float | None], *, upper: bool) -> Check:
    def check(node: Node, wanted: object, rules: Rules, schema: schemas.Schema) -> bool:
        assert isinstance(wanted, int)
        measured = measure(node)
        return measured is None or (measured <= wanted if upper else measured >= wanted)

    return check


def _number(node: Node) -> float | None:
    value = tree.value(node)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _characters(node: Node) -> int | None:
    text = tree.text(node)
    return None if text is None else len(text)


def _count(node: Node) -> int | None:
    return len(node.items) if isinstance(node, List) else None


def _keys(node: Node) -> int | None:
    return len(node.entries) if isinstance(node, Map) else None


CHECKS: Mapping[str, Check] = {
    "$ref": _ref,
    "type": _type,
    "const": _const,
    "enum": _enum,
    "anyOf": _any_of,
    "properties": _properties,
    "additionalProperties": _additional_properties,
    "propertyNames": _property_names,
    "required": _required,
    "dependentSchemas": _dependent_schemas,
    "items": _items,
    "prefixItems": _prefix_items,
    "pattern": _pattern,
    "minimum": _bound(_number, upper=False),
    "maximum": _bound(_number, upper=True),
    "minLength": _bound(_characters, upper=False),
    "maxLength": _bound(_characters, upper=True),
    "minItems": _bound(_count, upper=False),
    "maxItems": _bound(_count, upper=True),
    "maxProperties": _bound(_keys, upper=True),
}
ANNOTATIONS = frozenset({"$schema", "$defs", "title", "description", "default", "examples", "x-expected"})
"""What says nothing about whether a document fits."""
