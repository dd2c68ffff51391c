"""Manifests to begin with: those that come with orchestra, the user's, and the project's; of the same name the nearer one is meant."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

from orchestra.discover.project import folder, reading
from orchestra.model import names
from orchestra.model.frozen import frozen

PROJECT = ".orchestra/templates"
SUFFIXES = (".yaml", ".yml")
WORKSPACE = re.compile(r"^workspace:[^\n]*$", re.MULTILINE)
PACKAGED, USER, IN_PROJECT = "orchestra", "user", "project"


@frozen
class Template:
    name: str
    origin: str
    """`orchestra`, `user` or `project`."""
    path: str
    """Empty for those that come with orchestra."""
    text: str
    problem: str = ""
    """Why there is no text."""

    @property
    def description(self) -> str:
        """Its first line."""
        try:
            said = reading.mapping(reading.yaml_value(self.text)).get("description")
        except (ValueError, RecursionError):
            return ""
        return said.strip().partition("\n")[0] if isinstance(said, str) else ""


def everywhere(user: Path, here: Path) -> Mapping[str, Template]:
    """By name, in order."""
    found: dict[str, Template] = {}
    for shelf in (_packaged(), _lying(user, USER), *map(_project, reversed((here, *here.parents)))):
        found.update((each.name, each) for each in shelf)
    return dict(sorted(found.items()))


def for_workspace(text: str, workspace: str) -> str:
    """The template with its workspace called so. The rest, comments and all, stays as it is."""
    line = f"workspace: {workspace}"
    changed, count = WORKSPACE.subn(line, text, count=1)
    return changed if count else f"{line}\n{text}"


def _packaged() -> Iterable[Template]:
    for entry in resources.files("orchestra").joinpath("templates").iterdir():
        if entry.name.endswith(SUFFIXES):
            yield Template(
                name=entry.name.rpartition(".")[0],
                origin=PACKAGED,
                path="",
                text=entry.read_text(encoding="utf-8"),
            )


def _project(around: Path) -> Iterable[Template]:
    """Only where nobody else can have put it: below a directory for all, a name that is meant to be ours could be another's."""
    directory = around / PROJECT
    try:
        owners = {os.lstat(each).st_uid for each in (directory, directory.parent)}
    except OSError:
        return ()
    return _lying(directory, IN_PROJECT) if owners <= {0, os.geteuid()} else ()


def _lying(directory: Path, origin: str) -> Iterable[Template]:
    try:
        entries = sorted(each.name for each in directory.iterdir())
    except OSError:
        return
    # `.yaml` comes last, and so is the one that is meant where both are there.
    for name in sorted(entries, key=lambda name: name.endswith(SUFFIXES[0])):
        stem, dot, suffix = name.rpartition(".")
        if dot + suffix in SUFFIXES and names.NAME.match(stem):
            text, problem = folder.single(Path(os.path.realpath(directory / name)))
            yield Template(name=stem, origin=origin, path=str(directory / name), text=text, problem=problem)
