"""Groups of a workspace, and its manifest as it was applied last, which knows them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra.host import paths
from orchestra.model import errors
from orchestra.store import texts

if TYPE_CHECKING:
    from orchestra.daemon import assemble
    from orchestra.manifest import load


def groups(assembly: assemble.Assembly, workspace: str) -> Mapping[str, Sequence[str]]:
    """`@name` → addresses, as its manifest was applied last; the live objects do not know."""
    kept = texts.read(assembly.expected().texts, workspace)
    if kept is not None and kept.groups is not None:
        return {f"@{name}": panes for name, panes in kept.groups.items()}
    try:
        found = loaded(kept) if kept is not None and kept.text else None
    except errors.ManifestError:
        return {}
    return {f"@{each.name}": each.panes for each in found.workspace.groups} if found is not None else {}


def loaded(kept: texts.Text) -> load.Loaded:
    """`ManifestError` where it is one no more."""
    from orchestra.manifest import load  # YAML, and only who has groups pays

    inputs = load.Inputs(
        environment=kept.environment,
        variables={
            name: json.dumps(each) if not isinstance(each, str) else each
            for name, each in (*kept.variables.items(), *((name, "") for name in kept.hidden))
        },
        environ=dict(os.environ),
        user_settings=paths.config_file(),
    )
    return load.load(Path(file(kept)), inputs, kept.text)


def file(kept: texts.Text) -> str:
    return kept.file if kept.file != "-" else f"{kept.folder}/orchestra.yaml"
