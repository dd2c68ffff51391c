"""Environment variables and secrets of a pane, from the workspace inwards; only names are taken from `env_file`s."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestra.manifest import read, tree
from orchestra.manifest.problem import Problems, quoted
from orchestra.manifest.tree import Map, Node
from orchestra.model import dotenv
from orchestra.model.diagnostic import Location
from orchestra.model.spec import Secret, SourceKind

NAME = re.compile(r"(?!TMUX\Z|TMUX_PANE\Z|ORCHESTRA_)[A-Za-z_][A-Za-z0-9_]*\Z")
SOURCES = (SourceKind.ENV, SourceKind.FILE, SourceKind.COMMAND)
MOST = 1000


@dataclass(frozen=True, slots=True)
class Environment:
    """At one level. `from_files` and `env` never share a name; `secrets` win over both, at whatever level they stand."""

    env: Mapping[str, str] = field(default_factory=dict)
    from_files: Mapping[str, Secret] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    shell: str | None = None


class Reader:
    """Keeps the names of files that were read, since many panes share them."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._names: dict[str, tuple[str, ...]] = {}
        self._lists: dict[tuple[str, ...], Mapping[str, Secret]] = {}

    def inside(self, outer: Environment, node: Map) -> Environment:
        """What holds below a workspace, session, window or pane."""
        level = replace(outer, shell=tree.text(tree.child(node, "shell")) or outer.shell)
        if found := self._from_files(tree.items(tree.child(node, "env_file"))):
            level = replace(
                level,
                env={name: text for name, text in level.env.items() if name not in found},
                from_files={**level.from_files, **found},
            )
        if (env := tree.child(node, "env")) is not None:
            said = {
                name: text
                for name, entry in tree.children(env)
                if (text := tree.text(entry.node)) is not None
            }
            level = replace(
                level,
                env={**level.env, **said},
                from_files={name: one for name, one in level.from_files.items() if name not in said},
            )
        if (secrets := tree.child(node, "secrets")) is not None:
            level = replace(level, secrets={**level.secrets, **self._secrets(secrets)})
        if len(level.env) + len(level.from_files) + len(level.secrets) > MOST:
            self._problems.add(node.at, f"this has more than {MOST} environment variables")
            return outer
        return level

    def _from_files(self, items: Sequence[Node]) -> Mapping[str, Secret]:
        files = {path: item.at for item in items if (path := tree.text(item)) is not None}
        listed = tuple(files)
        if listed not in self._lists:
            self._lists[listed] = {
                name: Secret(name=name, kind=SourceKind.ENV_FILE, source=path)
                for path, at in files.items()
                for name in self._names_in(path, at)
            }
        return self._lists[listed]

    def _names_in(self, path: str, at: Location) -> tuple[str, ...]:
        if path not in self._names:
            self._names[path] = self._read(path, at)
        return self._names[path]

    def _read(self, path: str, at: Location) -> tuple[str, ...]:
        text = read.text(path, self._problems, named_at=at)
        names: dict[str, None] = {}
        try:
            for assignment in dotenv.assignments(text or ""):
                here = Location(file=path, line=assignment.line, column=1)
                if not NAME.match(assignment.name):
                    hint = (
                        "`TMUX`, `TMUX_PANE` and `ORCHESTRA_…` are not yours to set"
                        if assignment.name.isidentifier()
                        else None
                    )
                    self._problems.add(
                        here, f"{quoted(assignment.name)} cannot be a variable's name here", hint=hint
                    )
                    continue
                names[assignment.name] = None
                if len(names) > MOST:
                    self._problems.add(here, f"more than {MOST} variables in one file")
                    break
        except dotenv.Malformed as failed:
            self._problems.add(Location(file=path, line=failed.line, column=1), str(failed))
        return tuple(names)

    def _secrets(self, node: Node) -> dict[str, Secret]:
        found: dict[str, Secret] = {}
        for name, entry in tree.children(node):
            given = [
                (kind, source)
                for kind in SOURCES
                if (source := tree.text(tree.child(entry.node, kind))) is not None
            ]
            if given:
                found[name] = Secret(name=name, kind=given[0][0], source=given[0][1])
            elif isinstance(entry.node, Map) and not any(kind in entry.node.entries for kind in SOURCES):
                hint = "one of `from_env`, `from_file` and `from_command` says where"
                self._problems.add(entry.at, f"the secret {quoted(name)} has no source", hint=hint)
        return found


def secrets_of(level: Environment) -> tuple[Secret, ...]:
    return (
        *(one for name, one in level.from_files.items() if name not in level.secrets),
        *level.secrets.values(),
    )


def env_of(level: Environment) -> Mapping[str, str]:
    if level.secrets.keys().isdisjoint(level.env):
        return level.env
    return {name: text for name, text in level.env.items() if name not in level.secrets}
