"""What a source takes from elsewhere when it is used becomes variables of the manifest; braces of its own stay braces.

While we translate, a reference stands in texts between two characters that no text holds; `written` makes a template of it at the end.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass

from orchestra.discover import limits, source
from orchestra.discover.notes import Notes, quoted
from orchestra.model.diagnostic import Location

OPEN, CLOSE = "\ufdd0", "\ufdd1"
REFERENCE = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}")
BRACES = re.compile(r"\{\{|\{%")
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]")
RESERVED = frozenset({"workspace", "environment", "replica", "true", "false", "none"})


@dataclass(frozen=True, slots=True)
class Declared:
    default: str | bool | int
    description: str


class Variables:
    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._declared: dict[str, Declared] = {}

    def refer(self, wanted: str, at: Location | None, was: str, default: str | None = None) -> str:
        """A reference to the variable for `wanted`, to stand in a text."""
        name = _name(wanted)
        known = self._declared.get(name)
        if known is None:
            self._declare(name, Declared(default or "", f"was {was}"), at)
            says = f"its default is {quoted(default)}" if default else "without a value it is empty"
            self._notes.warn(
                at,
                f"{was} becomes the variable {quoted(name)}: {says}",
                hint=f"give it with --var {name}=…, or in the environment as ORCHESTRA_VAR_{name}",
            )
        elif default and known.default == "":
            self._declared[name] = Declared(default, known.description)
        elif default and known.default != default:
            self._notes.warn(
                at,
                f"{was} has another default here, {quoted(default)}: the variable {quoted(name)} keeps its first one",
            )
        return f"{OPEN}{name}{CLOSE}"

    def switch(self, wanted: str, default: bool, description: str, at: Location | None) -> str:
        """The name of a boolean variable, for an expression."""
        name = _name(wanted)
        if name not in self._declared:
            self._declare(name, Declared(default, description), at)
        return name

    def _declare(self, name: str, declared: Declared, at: Location | None) -> None:
        if len(self._declared) >= limits.VARIABLES:
            raise source.refused(f"the file uses more than {limits.VARIABLES} variables", at)
        self._declared[name] = declared

    def rendered(self, text: str) -> str:
        """The text as it is when every variable has its default."""
        return REFERENCE.sub(lambda found: self._default(found[1]), text)

    def _default(self, name: str) -> str:
        known = self._declared.get(name)
        return str(known.default) if known is not None else "0"

    def document(self) -> dict[str, object]:
        return {
            name: {
                "type": "boolean" if isinstance(each.default, bool) else "string",
                "default": each.default,
                "description": each.description,
            }
            for name, each in self._declared.items()
        }


def expression(text: str) -> str:
    return f"{OPEN}{text}{CLOSE}"


def written(value: object) -> object:
    """A document's texts as the manifest has them."""
    match value:
        case str():
            escaped = BRACES.sub(lambda found: f"{{{{ '{found[0]}' }}}}", value)
            return REFERENCE.sub(lambda found: f"{{{{ {found[1]} }}}}", escaped)
        case dict():
            return {key: written(each) for key, each in value.items()}
        case list() | tuple():
            return [written(each) for each in value]
        case _:
            return value


def _name(wanted: str) -> str:
    name = NOT_IN_NAMES.sub("_", wanted)[: limits.NAME - 1] or "value"
    if name[0].isdigit():
        name = f"_{name}"[: limits.NAME - 1]
    return f"{name}_" if name.lower() in RESERVED or keyword.iskeyword(name) else name
