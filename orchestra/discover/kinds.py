"""Which formats there are, and which one a file is: by its name first, then by what stands in it."""

from __future__ import annotations

import re
from enum import StrEnum

from orchestra.discover import procfile, resurrect
from orchestra.discover.source import Source
from orchestra.discover.tree import List, Map, Node, Scalar, child


class Kind(StrEnum):
    TMUXP = "tmuxp"
    TMUXINATOR = "tmuxinator"
    TEAMOCIL = "teamocil"
    SMUG = "smug"
    RESURRECT = "tmux-resurrect"
    PROCFILE = "procfile"
    COMPOSE = "docker-compose"
    PROCESS_COMPOSE = "process-compose"
    SUPERVISORD = "supervisord"
    BRIDGE = "bridge"


ALIASES = {"tmux-continuum": Kind.RESURRECT, "compose": Kind.COMPOSE, "foreman": Kind.PROCFILE}
DATA = frozenset(
    {Kind.TMUXP, Kind.TMUXINATOR, Kind.TEAMOCIL, Kind.SMUG, Kind.COMPOSE, Kind.PROCESS_COMPOSE, Kind.BRIDGE}
)
"""In YAML or JSON."""
NAMES = (
    (re.compile(r"process-compose\b.*\.(ya?ml|json)\Z"), Kind.PROCESS_COMPOSE),
    (re.compile(r"((docker|podman)-)?compose\b.*\.ya?ml\Z"), Kind.COMPOSE),
    (re.compile(r"Procfile(\..+)?\Z|.+\.procfile\Z"), Kind.PROCFILE),
    (re.compile(r"supervisor.*\.(conf|ini)\Z"), Kind.SUPERVISORD),
    (re.compile(r"tmux_resurrect_.*\.txt\Z"), Kind.RESURRECT),
    (re.compile(r"(.*\.)?tmuxp\.(ya?ml|json)\Z"), Kind.TMUXP),
    (re.compile(r"(.*\.)?tmuxinator\.ya?ml\Z"), Kind.TMUXINATOR),
    (re.compile(r"(.*\.)?teamocil\.ya?ml\Z"), Kind.TEAMOCIL),
    (re.compile(r"(.*\.)?smug\.ya?ml\Z"), Kind.SMUG),
)
PROGRAM = re.compile(r"^\[(program|group|supervisord|unix_http_server)[:\]]", re.MULTILINE)
LISTS = frozenset({"windows", "tabs"})


def by_name(source: Source) -> Kind | None:
    return next((kind for pattern, kind in NAMES if pattern.match(source.name)), None)


def by_text(text: str) -> Kind | None:
    """What is no YAML or JSON."""
    rows = [row for row in text.split("\n") if row.strip() and not row.lstrip().startswith(("#", ";"))]
    if rows and rows[0].partition("\t")[0] in resurrect.KINDS and "\t" in rows[0]:
        return Kind.RESURRECT
    return Kind.SUPERVISORD if PROGRAM.search(text) else None


def is_procfile(source: Source) -> bool:
    """Flat YAML would look the same: of what calls itself data, none is taken for one."""
    if source.name.endswith((".yaml", ".yml", ".json")):
        return False
    rows = [row for row in source.text.split("\n") if row.strip() and not row.startswith("#")]
    return bool(rows) and all(procfile.LINE.match(row) for row in rows)


def by_content(root: Node | None) -> Kind | None:
    if not isinstance(root, Map):
        return None
    keys = root.entries.keys()
    if "processes" in keys:
        return Kind.PROCESS_COMPOSE
    if "services" in keys:
        return Kind.COMPOSE
    if "session_name" in keys:
        return Kind.BRIDGE if "panes" in keys and "windows" not in keys else Kind.TMUXP
    if isinstance(child(root, "groups"), Map) and keys <= {"groups", "dependencies"}:
        return Kind.BRIDGE
    if isinstance(child(root, "session"), Map):
        return Kind.TEAMOCIL
    if "session" in keys and "windows" in keys:
        return Kind.SMUG
    windows = child(root, "windows") or child(root, "tabs")
    if not isinstance(windows, List):
        return None
    first = next(iter(windows.items), None)
    if isinstance(first, Map) and "name" in first.entries and len(first.entries) > 1:
        return Kind.TEAMOCIL
    if isinstance(first, Map | Scalar) and keys & {"name", "project_name", "root", "project_root"}:
        return Kind.TMUXINATOR
    return Kind.TEAMOCIL if isinstance(first, Map) and "name" in first.entries else None


def is_manifest(root: Node | None) -> bool:
    return isinstance(root, Map) and {"workspace", "sessions"} <= root.entries.keys()
