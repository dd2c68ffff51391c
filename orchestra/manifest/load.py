"""The way from a manifest's file to its spec, as one can read it off."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from pathlib import Path

from orchestra.manifest import (
    decode,
    defaults,
    duration,
    evaluate,
    expand,
    files,
    merge,
    overlay,
    read,
    render,
    schemas,
    shorthand,
    tree,
    validate,
    variables,
)
from orchestra.manifest.problem import Problems
from orchestra.manifest.tree import Map
from orchestra.model import spec
from orchestra.model.diagnostic import Diagnostic, Location
from orchestra.model.frozen import frozen


@frozen
class Inputs:
    """What besides the file decides the result."""

    environment: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    variable_files: tuple[Path, ...] = ()
    """Later ones win; `variables` win over all of them."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """For `ORCHESTRA_VAR_name`, and HOME for `~`."""
    user_settings: Path | None = None
    """Need not exist."""


@frozen
class Source:
    """What a manifest was loaded from: enough to load the same again."""

    text: str
    folder: str
    """Absolute: where its relative paths begin."""
    file: str
    environment: str | None
    variables: Mapping[str, str | int | float | bool]
    """Those whose values are not what the text says."""
    includes: bool
    """The text alone is not all of it."""


@frozen
class Loaded:
    workspace: spec.Workspace
    document: Mapping[str, object]
    """The whole manifest in plain words: no variable, overlay, default or short form is left; secrets stay references."""
    warnings: tuple[Diagnostic, ...]
    source: Source
    locations: Mapping[str, Location]
    """Where sessions (`api`), windows (`window api/main`), panes (`api/server`) and schedules (`schedule nightly`) are declared."""


def load(path: Path, inputs: Inputs, text: str | None = None) -> Loaded:
    """Raises ManifestError with every problem there is. The path `-` is standard input; a `text` stands for what is in the file."""
    problems = Problems()
    file = str(path)
    root, texts = files.whole(file, problems, text)
    settings = _settings(inputs.user_settings, problems)
    if root is not None:
        try:
            return _from_tree(root, texts, settings, file, inputs, problems)
        except merge.TooLarge as failed:
            problems.add(
                failed.at, "the manifest gets too large when its defaults and replicas are filled in"
            )
    problems.raise_all()
    raise AssertionError("nothing was loaded and nothing was said")


def restore(user_settings: Path) -> spec.Restore:
    """What the user's settings say of restoring. Raises ManifestError."""
    problems = Problems()
    said = tree.child(_settings(user_settings, problems), "restore")
    problems.raise_all()
    remap = {
        pattern: line
        for pattern, entry in tree.children(tree.child(said, "remap"))
        if (line := tree.text(entry.node)) is not None
    }
    return spec.Restore(allow=tree.texts(tree.child(said, "allow")), remap=remap)


def metrics_kept(user_settings: Path) -> timedelta | None:
    """For how long the user wants to keep what panes used. Raises ManifestError."""
    problems = Problems()
    said = tree.child(tree.child(_settings(user_settings, problems), "metrics"), "keep")
    problems.raise_all()
    if said is None:
        return None
    found = duration.parsed(tree.text(said) or "")
    if found is None:
        problems.add(said.at, "settings hold no templates")
        problems.raise_all()
    return found


def schema() -> Mapping[str, object]:
    return schemas.written()


def _from_tree(
    root: Map,
    texts: tuple[str, ...],
    settings: Map | None,
    file: str,
    inputs: Inputs,
    problems: Problems,
) -> Loaded:
    allowance = merge.Allowance()
    problems.next_step()
    root = shorthand.windows(root)
    validate.written(root, problems)
    problems.next_step()
    saved = tree.child(root, "saved")
    environment = inputs.environment or tree.text(tree.child(saved, "environment"))
    root, overlaid = overlay.chosen(root, environment, allowance, problems)
    values = variables.resolved(
        root,
        problems,
        settings=tree.child(settings, "variables"),
        overlay=overlaid,
        saved=tree.child(saved, "variables"),
        variable_files=inputs.variable_files,
        environ=inputs.environ,
        given=inputs.variables,
    )
    chosen = {
        name: value
        for name, value in values.items()
        if isinstance(value, str | int | float | bool) and value != variables.default(root, overlaid, name)
    }
    moved = _moved(root)
    source = Source(
        text=texts[0],
        folder=moved.get(root.at.file) or files.folder(file),
        file=tree.text(tree.child(saved, "manifest")) or _absolute(file),
        environment=environment,
        variables=chosen,
        includes=len(texts) > 1,
    )
    root = defaults.applied(shorthand.shells(_with_user_shell(root, settings)), settings, allowance)
    evaluated = evaluate.document(root, values, environment, allowance, problems)
    problems.next_step()
    validate.evaluated(evaluated.root, problems)
    problems.next_step()
    full = expand.full(evaluated.root, inputs.environ, problems, moved)
    decoded = decode.workspace(full, _absolute(file), evaluated.scaled_away, problems)
    problems.raise_all()
    return Loaded(
        workspace=decoded.workspace,
        document=render.document(full),
        warnings=problems.warnings,
        source=source,
        locations=decoded.locations,
    )


def _moved(root: Map) -> Mapping[str, str]:
    """A snapshot's relative paths begin where its manifest lay."""
    manifest = tree.text(tree.child(tree.child(root, "saved"), "manifest"))
    return {} if manifest is None else {root.at.file: os.path.dirname(manifest)}  # noqa: PTH120 - text in, text out


def _settings(path: Path | None, problems: Problems) -> Map | None:
    if path is None or not os.path.exists(path):  # noqa: PTH110 - Path.exists() raises where it may not look
        return None
    settings = files.single(str(path), problems)
    if settings is not None:
        validate.settings(settings, problems)
    return settings


def _with_user_shell(root: Map, settings: Map | None) -> Map:
    shell = tree.child(settings, "shell")
    return root if shell is None or "shell" in root.entries else tree.with_entries(root, {"shell": shell})


def _absolute(file: str) -> str:
    return file if file == read.STDIN else os.path.abspath(file)  # noqa: PTH100 - text in, text out
