"""A manifest's text, loaded from a folder of its own; and what is said about one, in short words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestra.manifest import load
from orchestra.model import errors, spec
from orchestra.model.diagnostic import Diagnostic, Severity

HEAD = "version: 1\nworkspace: shop\n"


def loaded(folder: Path, text: str, **inputs: Any) -> load.Loaded:
    """`text` goes on where the first two lines, version and workspace, end."""
    path = folder / "manifest.yaml"
    path.write_text(HEAD + text)
    return load.load(path, load.Inputs(**inputs))


def workspace(folder: Path, text: str, **inputs: Any) -> spec.Workspace:
    return loaded(folder, text, **inputs).workspace


def pane(folder: Path, text: str, **inputs: Any) -> spec.Pane:
    """The only pane of a manifest, of which `text` is what it says (a YAML flow map without its braces)."""
    return workspace(folder, f"sessions: {{s: {{panes: [{{{text}}}]}}}}\n", **inputs).panes[0]


def diagnostics(folder: Path, text: str, **inputs: Any) -> tuple[Diagnostic, ...]:
    try:
        loaded(folder, text, **inputs)
    except errors.ManifestError as failed:
        return failed.diagnostics
    return ()


def complaints(folder: Path, text: str, **inputs: Any) -> list[str]:
    """As `line:column summary`, in the order they are told; the line is `text`'s own, after the head."""
    return [short(one) for one in diagnostics(folder, text, **inputs) if one.severity is Severity.ERROR]


def short(one: Diagnostic) -> str:
    at = one.location
    place = "" if at is None else f"{at.line - HEAD.count(chr(10))}:{at.column} "
    return place + one.summary


def about_pane(folder: Path, text: str, **inputs: Any) -> list[str]:
    """Complaints about the pane that `text` is, without their places."""
    found = complaints(folder, f"sessions: {{s: {{panes: [{{{text}}}]}}}}\n", **inputs)
    return [complaint.partition(" ")[2] for complaint in found]
