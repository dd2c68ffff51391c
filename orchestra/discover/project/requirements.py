"""What a Python project says it needs, in whichever of the usual files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestra.discover.project import folder, reading
from orchestra.model.diagnostic import Diagnostic

LISTS = (
    "requirements.txt",
    "requirements-dev.txt",
    "dev-requirements.txt",
    "requirements/base.txt",
    "requirements/dev.txt",
)
FILES = ("pyproject.toml", "Pipfile", "setup.py", "setup.cfg", *LISTS)
NAME = re.compile(r"\s{0,9}([A-Za-z0-9][A-Za-z0-9._-]{0,80})")
QUOTED = re.compile(r"[\"'\n]\s{0,20}([A-Za-z0-9][A-Za-z0-9._-]{0,80})")


def names(place: folder.Place) -> Iterator[str | Diagnostic]:
    """In lower case and with `-`."""
    if place.has("pyproject.toml"):
        project = reading.toml_map(place, "pyproject.toml")
        if isinstance(project, Diagnostic):
            yield project
        else:
            yield from _said(_pyproject(project))
    if place.has("Pipfile"):
        pipfile = reading.toml_map(place, "Pipfile")
        if isinstance(pipfile, Diagnostic):
            yield pipfile
        else:
            for section in ("packages", "dev-packages"):
                yield from _said(reading.mapping(pipfile.get(section)))
    for name in LISTS:
        yield from _said(place.text(name).splitlines())
    for name in ("setup.py", "setup.cfg"):
        yield from (_plain(each) for each in QUOTED.findall(place.text(name)))


def _pyproject(document: object) -> Iterator[str]:
    root = reading.mapping(document)
    project = reading.mapping(root.get("project"))
    yield from reading.texts(project.get("dependencies"))
    for groups in (project.get("optional-dependencies"), root.get("dependency-groups")):
        for group in reading.mapping(groups).values():
            yield from reading.texts(group)
    tool = reading.mapping(root.get("tool"))
    yield from reading.texts(reading.mapping(tool.get("uv")).get("dev-dependencies"))
    poetry = reading.mapping(tool.get("poetry"))
    yield from reading.mapping(poetry.get("dependencies"))
    yield from reading.mapping(poetry.get("dev-dependencies"))
    for group in reading.mapping(poetry.get("group")).values():
        yield from reading.mapping(reading.mapping(group).get("dependencies"))


def _said(lines: object) -> Iterator[str]:
    assert hasattr(lines, "__iter__")
    for line in lines:
        if said := NAME.match(line):
            yield _plain(said[1])


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
