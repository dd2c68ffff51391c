"""One case: a folder with a small project (as one file, lest our tools take it for code of ours), the manifest, and the remarks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestra.cli import output
from orchestra.discover.project import survey, writing

CASES = Path(__file__).parent / "cases"
KEYS = {"about", "name", "tools", "files", "executables", "folders", "links", "fifos", "sizes", "bytes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    name: str
    project: dict[str, Any]

    @property
    def expected(self) -> dict[str, Path]:
        folder = CASES / self.name
        return {"manifest": folder / "orchestra.yaml", "remarks": folder / "remarks.txt"}

    def made(self, top: Path) -> Path:
        """The project as a directory."""
        root: Path = top / self.project.get("name", self.name)
        root.mkdir()
        for name, text in self.project.get("files", {}).items():
            _parent(root / name).write_text(text, encoding="utf-8")
        for name in self.project.get("executables", ()):
            _parent(root / name).write_text("#!/bin/sh\n")
            (root / name).chmod(0o755)
        for name in self.project.get("folders", ()):
            (root / name).mkdir(parents=True, exist_ok=True)
        for name, target in self.project.get("links", {}).items():
            _parent(root / name).symlink_to(target)
        for name in self.project.get("fifos", ()):
            os.mkfifo(_parent(root / name))
        for name, size in self.project.get("sizes", {}).items():
            _parent(root / name).write_text("x" * size)
        for name, content in self.project.get("bytes", {}).items():
            _parent(root / name).write_bytes(content)
        return root

    def survey(self, root: Path) -> survey.Survey:
        missing = {word[1:] for word in self.project.get("tools", ()) if word.startswith("-")}
        there = {word for word in self.project.get("tools", ()) if not word.startswith("-")}
        return survey.survey(
            root, lambda tool: tool in there or (tool not in missing and tool not in survey.ASKED)
        )


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def names() -> list[str]:
    return sorted(path.name for path in CASES.iterdir())


def read(name: str) -> Case:
    project = yaml.safe_load((CASES / name / "project.yaml").read_text(encoding="utf-8"))
    assert set(project) <= KEYS
    return Case(name=name, project=project)


def texts(seen: survey.Survey) -> dict[str, str]:
    return {"manifest": writing.text(seen), "remarks": "".join(f"{line}\n" for line in _remarks(seen))}


def _remarks(seen: survey.Survey) -> Iterator[str]:
    for each in seen.remarks:
        yield f"{each.severity}: {output.one_line(each.summary)}" + (f" ({each.hint})" if each.hint else "")
    for tool, panes in seen.missing:
        yield f"missing: {tool} for {', '.join(panes)}"
