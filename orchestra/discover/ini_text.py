"""INI files as Python's configparser reads them for supervisord, with the place of every option."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestra.discover import limits, source
from orchestra.discover.notes import Notes, quoted
from orchestra.discover.tree import Entry, Map, Scalar
from orchestra.model.diagnostic import Location

SECTION = re.compile(r"\[(?P<name>[^\]]+)\]")
OPTION = re.compile(r"(?P<name>[^=:]+)[=:](?P<value>.*)\Z")
COMMENT = re.compile(r"(?:^|\s);.*\Z")


@dataclass(slots=True)
class Option:
    at: Location
    text: str


@dataclass(slots=True)
class Section:
    name: str
    at: Location
    options: dict[str, Option] = field(default_factory=dict)

    def map(self) -> Map:
        return Map(
            self.at,
            {
                name: Entry(one.at, Scalar(one.at, one.text, plain=False))
                for name, one in self.options.items()
            },
        )


def number(section: Section, key: str, default: int, notes: Notes) -> int:
    """Of an option that must be a whole number."""
    said = section.options.get(key)
    if said is None:
        return default
    if said.text.isascii() and said.text.isdecimal() and len(said.text) < 6:
        return int(said.text)
    notes.left_out(key, said.at, f"{quoted(said.text)} is not a whole number")
    return default


def sections(file: str, text: str, notes: Notes) -> Iterator[Section]:
    """In order; a section that stands there twice is one."""
    found: dict[str, Section] = {}
    section: Section | None = None
    option: Option | None = None
    for number, line in enumerate(text.split("\n"), 1):
        at = source.location(file, number, 1, section.name if section else "")
        bare = COMMENT.sub("", line).rstrip()
        if not bare.strip() or bare.lstrip().startswith("#"):
            continue
        if bare[0].isspace() and option is not None:
            option.text = f"{option.text}\n{bare.strip()}".strip()
            continue
        option = None
        if head := SECTION.match(bare):
            name = head["name"].strip()
            section = found.setdefault(name, Section(name, source.location(file, number, 1, name)))
            if len(found) > limits.PANES:
                raise source.refused(f"the file has more than {limits.PANES} sections", at)
        elif section is None or (row := OPTION.match(bare)) is None:
            notes.left_out(bare.strip(), at, "a section or `name = value` was expected here")
        else:
            name = row["name"].strip().lower()
            if name in section.options:
                notes.warn(at, f"{quoted(name)} stands here twice: the last one counts")
            option = section.options[name] = Option(at, row["value"].strip())
    yield from found.values()
