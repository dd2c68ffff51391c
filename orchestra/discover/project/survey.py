"""The whole look: a directory into packages, packages into panes, panes into sessions, and what is to be said about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from orchestra.discover.project import (
    choosing,
    compose,
    elixir,
    folder,
    found,
    golang,
    java,
    makefile,
    naming,
    node,
    php,
    ports,
    procfile,
    python,
    reading,
    ruby,
    rust,
    waiting,
)
from orchestra.model.diagnostic import Diagnostic
from orchestra.model.frozen import frozen

DETECTORS: tuple[Callable[[folder.Place], found.Found], ...] = (
    procfile.panes,
    python.panes,
    ruby.panes,
    php.panes,
    elixir.panes,
    golang.panes,
    rust.panes,
    java.panes,
    node.panes,
    makefile.panes,
)
LANGUAGES = (
    *node.MARKERS,
    *python.MARKERS,
    *golang.MARKERS,
    *rust.MARKERS,
    *java.MARKERS,
    *ruby.MARKERS,
    *php.MARKERS,
    *elixir.MARKERS,
)
MARKERS = frozenset((*LANGUAGES, *procfile.FILES, *makefile.FILES))
"""A directory that has one of them is a package."""
ASKED = (rust.WATCH,)
"""Programs whose presence changes what is proposed."""
_WORDS = (
    "test tests __tests__ spec e2e fixtures testdata test-fixtures examples example samples sample docs doc templates template"
    " third_party third-party external .github .gitlab .devcontainer benchmarks benches"
)
ASIDE = frozenset(_WORDS.split())
"""Packages below these are not what the project runs."""
MOST_PACKAGES = 40


@frozen
class Survey:
    workspace: str
    sessions: tuple[found.Session, ...]
    remarks: tuple[Diagnostic, ...]
    missing: tuple[tuple[str, tuple[str, ...]], ...]
    """Programs that are not on PATH → the panes that need them."""
    schema: str | None
    """A schema for editors, where the project has one."""

    @property
    def empty(self) -> bool:
        return not any(session.panes for session in self.sessions)


def survey(root: Path, is_installed: Callable[[str], bool]) -> Survey:
    """Raises OSError when `root` cannot be listed. `root` must be absolute: its name is the workspace's."""
    seen = folder.listed(root)
    remarks: list[Diagnostic] = []
    dirs = _packages(seen, remarks)
    installed = frozenset(tool for tool in ASKED if is_installed(tool))
    places = [_place(seen, dir, dirs, installed) for dir in dirs]
    packages: dict[str, list[found.Pane]] = {
        place.dir: _kept(_run(place, DETECTORS), remarks) for place in places
    }
    services, at = _services(seen, packages, installed, remarks)
    packages = choosing.chosen(packages, remarks)
    sessions = _sessions(naming.workspace(root.name), packages, services, at)
    sessions = ports.assigned(waiting.linked(naming.unique(sessions)), remarks)
    remarks += [
        found.note(f"{path} was not read: {why}")
        for path, why in sorted(seen.unread.items())
        if _matters(path)
    ]
    if seen.cut:
        remarks.append(
            found.warning(f"there are more than {folder.MOST_ENTRIES} files here; the rest was not looked at")
        )
    return Survey(
        workspace=naming.workspace(root.name),
        sessions=tuple(_with_shell(sessions, seen)),
        remarks=tuple(remarks),
        missing=_missing(sessions, is_installed),
        schema=next(
            (
                path
                for path in (f"{each}manifest.schema.json" for each in ("", "schemas/", ".orchestra/"))
                if path in seen.files
            ),
            None,
        ),
    )


def _packages(seen: folder.Folder, remarks: list[Diagnostic]) -> list[str]:
    found_in = {path.rpartition("/")[0] for path in seen.files if path.rpartition("/")[2] in MARKERS}
    dirs = sorted(
        (dir for dir in found_in if _is_ours(dir)),
        key=lambda dir: (dir.count("/") + bool(dir), dir),
    )
    if len(dirs) > MOST_PACKAGES:
        remarks.append(
            found.warning(
                f"there are {len(dirs)} packages here; only the first {MOST_PACKAGES} were looked at"
            )
        )
    return dirs[:MOST_PACKAGES]


def _place(seen: folder.Folder, dir: str, dirs: Iterable[str], installed: frozenset[str]) -> folder.Place:
    own = f"{dir}/.env" if dir else ".env"
    return folder.Place(
        folder=seen,
        dir=dir,
        others=frozenset(dirs),
        installed=installed,
        environ=reading.env(seen.text(own) or ""),
    )


def _run(
    place: folder.Place, detectors: Iterable[Callable[[folder.Place], found.Found]]
) -> Iterator[found.Pane | Diagnostic]:
    for panes in detectors:
        yield from panes(place)


def _kept(given: Iterable[found.Pane | Diagnostic], remarks: list[Diagnostic]) -> list[found.Pane]:
    panes = []
    for each in given:
        if isinstance(each, Diagnostic):
            remarks.append(each)
        else:
            panes.append(each)
    return panes


def _services(
    seen: folder.Folder,
    packages: dict[str, list[found.Pane]],
    installed: frozenset[str],
    remarks: list[Diagnostic],
) -> tuple[list[found.Pane], str]:
    """Of the compose file nearest to the root, and where it lies."""
    lying = {path.rpartition("/")[0] for path in seen.files if path.rpartition("/")[2] in compose.FILES}
    dirs = sorted(
        (dir for dir in lying if _is_ours(dir)),
        key=lambda dir: (dir.count("/") + bool(dir), dir),
    )
    for other in dirs[1:]:
        remarks.append(
            found.note(f"the compose file in {other} is left out: there is one nearer to the root")
        )
    if not dirs:
        return [], ""
    running = [
        dir for dir, panes in packages.items() if any(pane.role is found.Role.SERVER for pane in panes)
    ]
    place = _place(seen, dirs[0], running, installed)
    return _kept(compose.panes(place), remarks), dirs[0]


def _sessions(
    workspace: str, packages: dict[str, list[found.Pane]], services: list[found.Pane], at: str
) -> list[found.Session]:
    taken = {workspace}
    made = []
    if services:
        made.append(found.Session(name=naming.free("services", taken), dir=at, panes=tuple(services)))
    made.append(found.Session(name=workspace, dir="", panes=tuple(packages.get("", ()))))
    for dir, panes in packages.items():
        if dir and panes:
            made.append(found.Session(name=naming.session(dir, taken), dir=dir, panes=tuple(panes)))
    return made


def _with_shell(sessions: Iterable[found.Session], seen: folder.Folder) -> Iterator[found.Session]:
    own = next((name for name in python.ENVIRONMENTS if seen.has_folder(f"{name}/bin")), None)
    for session in sessions:
        root = session.dir == "" and not any(pane.source in compose.FILES for pane in session.panes)
        yield replace(session, shell=root, activate=f". {own}/bin/activate" if root and own else None)


def _missing(
    sessions: Iterable[found.Session], is_installed: Callable[[str], bool]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    users: dict[str, list[str]] = {}
    for session in sessions:
        for pane in session.panes:
            for tool in pane.tools:
                users.setdefault(tool, []).append(f"{session.name}/{pane.name}")
    return tuple((tool, tuple(panes)) for tool, panes in users.items() if not is_installed(tool))


def _is_ours(dir: str) -> bool:
    """Whether what lies there is something the project runs."""
    return not any(part in ASIDE or part.startswith(".") for part in dir.split("/"))


def _matters(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name in MARKERS or name in compose.FILES or name == ".env"
