"""What each variable is: its type from the declaration, its value from whoever speaks last."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from orchestra.manifest import files, limits, template, tree
from orchestra.manifest.problem import Problems, listed, nearest, quoted
from orchestra.manifest.tree import UNKNOWN, Map, Node, Scalar, Value
from orchestra.model.diagnostic import Location
from orchestra.model.frozen import frozen

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
RESERVED = frozenset({"workspace", "environment", "replica"})
KEYWORDS = template.LITERALS | {"elif", "endif", "raw", "endraw", "self", "super", "loop"}
PREFIX = "ORCHESTRA_VAR_"
TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})
INTEGER = re.compile(r"[-+]?[0-9]{1,18}\Z")
TYPES = MappingProxyType(
    {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "`true` or `false`",
        "string": "text",
    }
)


@frozen
class Declared:
    name: str
    at: Location
    type: str
    """Empty: what it says is none, which the schema tells."""
    default: Scalar | None
    enum: tuple[Scalar, ...]


@frozen
class Said:
    """One value somebody gave; `source` says who, in a message, where `at` cannot."""

    value: Value
    text: str
    at: Location | None
    source: str


Sayings = Iterator[tuple[str, Said]]


def resolved(
    root: Map,
    problems: Problems,
    *,
    settings: Node | None,
    overlay: Map | None,
    saved: Node | None,
    variable_files: tuple[Path, ...],
    environ: Mapping[str, str],
    given: Mapping[str, str],
) -> dict[str, Value]:
    """Every declared variable; UNKNOWN where a value is missing or wrong, which is told here once."""
    declared = {one.name: one for one in _declared(tree.child(root, "variables"), problems)}
    said: dict[str, Said] = {}
    said.update((name, one) for name, one in _written(settings, "the user's settings") if name in declared)
    said.update((name, one) for name, one in _written(overlay, "the environment") if name in declared)
    said.update(_known(_written(saved, "saved"), declared, problems))
    for path in variable_files:
        said.update(_known(_from_file(path, problems), declared, problems))
    said.update(_from_environ(environ, declared, problems))
    said.update(_known(_given(given), declared, problems))
    return {name: _value(one, said.get(name), problems) for name, one in declared.items()}


def default(root: Map, overlay: Map | None, name: str) -> Value:
    """What the manifest itself says, or its overlay; None when they say nothing."""
    said = tree.child(overlay, name)
    if isinstance(said, Scalar):
        return said.value
    declared = tree.child(tree.child(root, "variables"), name)
    return tree.value(tree.child(declared, "default") if isinstance(declared, Map) else declared)


def _declared(node: Node | None, problems: Problems) -> Iterator[Declared]:
    for name, entry in tree.children(node):
        if not NAME.match(name):
            continue  # the schema says so
        if name in RESERVED or name in KEYWORDS:
            problems.add(
                entry.at,
                f"a variable cannot be called {quoted(name)}: templates have a meaning for that already",
            )
            continue
        if isinstance(entry.node, Map):
            default = tree.child(entry.node, "default")
            said = tree.child(entry.node, "type")
            type_ = _type_of(tree.value(default)) if said is None else tree.text(said)
            yield Declared(
                name=name,
                at=entry.at,
                type=type_ if type_ and type_ in TYPES else "",
                default=default if isinstance(default, Scalar) else None,
                enum=tuple(
                    item for item in tree.items(tree.child(entry.node, "enum")) if isinstance(item, Scalar)
                ),
            )
        elif isinstance(entry.node, Scalar) and entry.node.value is not None:
            yield Declared(
                name=name, at=entry.at, type=_type_of(entry.node.value), default=entry.node, enum=()
            )
        else:  # the schema says so
            yield Declared(name=name, at=entry.at, type="", default=None, enum=())


def _type_of(value: Value) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case _:
            return "string"


def _written(node: Node | None, source: str) -> Sayings:
    for name, entry in tree.children(node):
        if isinstance(entry.node, Scalar):
            yield name, Said(value=entry.node.value, text=entry.node.text, at=entry.node.at, source=source)


def _from_file(path: Path, problems: Problems) -> Sayings:
    root = files.single(str(path), problems)
    for name, entry in tree.children(root):
        if not isinstance(entry.node, Scalar) or entry.node.value is None:
            problems.add(entry.at, f"{quoted(name)} must be text, a number, `true` or `false`")
    yield from _written(root, str(path))


def _from_environ(
    environ: Mapping[str, str], declared: Mapping[str, Declared], problems: Problems
) -> Sayings:
    for key, text in environ.items():
        if not key.startswith(PREFIX):
            continue
        name = key.removeprefix(PREFIX)
        if name in declared:
            yield name, Said(value=text, text=text, at=None, source=key)
        elif guess := nearest(name, tuple(declared)):
            problems.warn(
                None,
                f"{quoted(key)} names no variable of this manifest",
                hint=f"did you mean `{PREFIX}{guess}`?",
            )


def _given(given: Mapping[str, str]) -> Sayings:
    for name, text in given.items():
        yield name, Said(value=text, text=text, at=None, source=f"--var {name}")


def _known(sayings: Sayings, declared: Mapping[str, Declared], problems: Problems) -> Sayings:
    for name, said in sayings:
        if name in declared:
            yield name, said
            continue
        known = (
            f"the manifest declares {listed(declared)}" if declared else "the manifest declares no variables"
        )
        problems.add(
            said.at,
            f"{said.source.partition(' ')[0] if said.at is None else said.source}: there is no variable {quoted(name)}",
            hint=known,
            word=name,
            among=declared,
        )


def _value(declared: Declared, said: Said | None, problems: Problems) -> Value:
    if said is None and declared.default is not None:
        said = Said(
            value=declared.default.value, text=declared.default.text, at=declared.default.at, source=""
        )
    if said is None:
        if declared.type:
            name = declared.name
            problems.add(
                declared.at,
                f"the variable {quoted(name)} has no value",
                hint=f"give it with --var {name}=…, in a --var-file or as {PREFIX}{name}, or declare a default",
            )
        return UNKNOWN
    if not declared.type:
        return UNKNOWN
    value = converted(said, declared.type)
    who = f"{said.source}: " if said.at is None else ""
    if value is None:
        wanted = TYPES[declared.type]
        problems.add(
            said.at, f"{who}the variable {quoted(declared.name)} must be {wanted}, not {quoted(said.text)}"
        )
        return UNKNOWN
    if declared.enum and value not in _choices(declared, problems):
        words = [item.text for item in declared.enum]
        problems.add(
            said.at,
            f"{who}the variable {quoted(declared.name)} cannot be {quoted(said.text)}",
            hint=f"it is one of {listed(words)}",
            word=said.text,
            among=words,
        )
        return UNKNOWN
    if isinstance(value, str) and len(value) > limits.TEXT:
        problems.add(
            said.at, f"{who}the variable {quoted(declared.name)} is longer than {limits.TEXT} characters"
        )
        return UNKNOWN
    return value


def _choices(declared: Declared, problems: Problems) -> Iterator[Value]:
    for item in declared.enum:
        choice = converted(Said(value=item.value, text=item.text, at=item.at, source=""), declared.type)
        if choice is None:
            wanted = TYPES[declared.type]
            problems.add(
                item.at, f"the variable {quoted(declared.name)} must be {wanted}, not {quoted(item.text)}"
            )
        yield choice


def converted(said: Said, type_: str) -> str | int | float | bool | None:
    """None: it does not fit. Text converts to every type, since the command line knows nothing else."""
    match type_, said.value:
        case _, None | tree.Unknown():
            return None
        case "string", _:
            return said.text if _is_text(said.text) else None
        case "boolean", bool(value):
            return value
        case "boolean", str(text):
            return True if text.lower() in TRUE else False if text.lower() in FALSE else None
        case (("integer" | "number"), bool()):
            return None
        case (("integer" | "number"), int(value)):
            return value
        case "integer", str(text):
            return int(text) if INTEGER.match(text) else None
        case "number", float(value):
            return value
        case "number", str(text):
            return _number(text)
        case _:
            return None


def _is_text(text: str) -> bool:
    try:
        return "\0" not in text and bool(text.encode() or True)
    except UnicodeEncodeError:
        return False


def _number(text: str) -> float | int | None:
    if INTEGER.match(text):
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None
