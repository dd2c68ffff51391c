"""Cargo.toml: its programs, and its tests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from orchestra.discover.project import folder, found, reading, saying
from orchestra.model.diagnostic import Diagnostic

MARKERS = ("Cargo.toml",)
WATCH = "cargo-watch"
SERVERS = {
    "axum": None,
    "actix-web": 8080,
    "rocket": 8000,
    "warp": None,
    "poem": None,
    "tide": None,
    "tonic": None,
    "hyper": None,
    "salvo": None,
}
LISTENS = (
    re.compile(r"\"(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::1?\]):(?P<port>[1-9][0-9]{1,4})\""),
    re.compile(r"\(\[(?:127, ?0, ?0, ?1|0, ?0, ?0, ?0)\], ?(?P<port>[1-9][0-9]{1,4})\)"),
    re.compile(r"\(\"(?:0\.0\.0\.0|127\.0\.0\.1|localhost)\", ?(?P<port>[1-9][0-9]{1,4})\)"),
)
ASKS_PORT = re.compile(r"\bvar\(\"PORT\"\)")
ROUTES = re.compile(r"(?:\.route\(|#\[get\(|\.at\()\s{0,20}\"(?P<path>/[\w/-]{0,40})\"")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}\Z")


def panes(place: folder.Place) -> found.Found:
    if not place.has("Cargo.toml"):
        return
    cargo = reading.toml_map(place, "Cargo.toml")
    if isinstance(cargo, Diagnostic):
        yield cargo
        return
    sources = place.sources(".rs")
    programs = _programs(place, cargo)
    needs = set(reading.mapping(cargo.get("dependencies")))
    serves = not needs.isdisjoint(SERVERS)
    kept = programs if len(programs) == 1 else [each for each in programs if _lasts(each, sources)]
    for left in sorted(set(programs) - set(kept)):
        yield found.note(
            f"the program {left[0]} of {place.path('Cargo.toml')} is left out: nothing shows that it keeps running"
        )
    for name, path in kept:
        texts = [text for at, text in sources if at == path]
        texts += [text for at, text in sources if at != path] if len(kept) == 1 else []
        yield _program(place, name, path, texts, needs, serves=serves, several=len(programs) > 1)
    whole = "workspace" in cargo
    if whole or "package" in cargo:
        yield found.Pane(
            name="tests",
            command="cargo test --workspace" if whole else "cargo test",
            role=found.Role.CHECK,
            source="Cargo.toml",
            reason="a workspace" if whole else "a package",
            tools=("cargo",),
            whole=whole,
        )


def _programs(place: folder.Place, cargo: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and path of each."""
    programs: dict[str, str] = {}
    name = reading.mapping(cargo.get("package")).get("name")
    if isinstance(name, str) and place.has("src/main.rs"):
        programs[name] = "src/main.rs"
    for path in place.files(".rs"):
        parts = path.split("/")
        if parts[:2] == ["src", "bin"] and (len(parts) == 3 or parts[3:] == ["main.rs"]):
            programs[parts[2].removesuffix(".rs")] = path
    stated = cargo.get("bin")
    for each in stated if isinstance(stated, list) else []:
        program = reading.mapping(each)
        named, path = program.get("name"), program.get("path", "src/main.rs")
        if isinstance(named, str) and isinstance(path, str):
            programs = {key: value for key, value in programs.items() if value != path}
            programs[named] = path
    return [(key, value) for key, value in sorted(programs.items()) if NAME.match(key)]


def _lasts(program: tuple[str, str], sources: Sequence[tuple[str, str]]) -> bool:
    text = next((text for path, text in sources if path == program[1]), "")
    return saying.first(LISTENS, text) is not None or any(
        word in program[0] for word in ("server", "api", "worker", "daemon", "web")
    )


def _program(
    place: folder.Place,
    name: str,
    path: str,
    texts: Sequence[str],
    needs: set[str],
    *,
    serves: bool,
    several: bool,
) -> found.Pane:
    run = f"run --bin {name}" if several else "run"
    watch = WATCH in place.installed
    asks = any(ASKS_PORT.search(text) for text in texts)
    told = reading.port(place.environ.get("PORT")) if asks else None
    rocket = re.search(r"^port ?= ?(?P<port>[1-9][0-9]{1,4})$", place.text("Rocket.toml"), re.MULTILINE)
    written = next((port for text in texts if (port := saying.first(LISTENS, text)) is not None), None)
    port = told or (reading.port(rocket["port"]) if rocket else None) or written
    usual = next((SERVERS[each] for each in sorted(needs & set(SERVERS)) if SERVERS[each]), None)
    listening = None
    if (port or usual) and (serves or port):
        listening = found.Listening(
            port=port or usual or 0,
            path=saying.route(texts, ROUTES),
            said=port is not None,
            variable="PORT" if asks else "ROCKET_PORT" if "rocket" in needs else "",
            written=asks and port != written,
        )
    return found.Pane(
        name=name,
        command=f"cargo watch -x '{run}'" if watch else f"cargo {run}",
        role=found.Role.SERVER if serves or listening else found.Role.WORKER,
        source=path,
        reason="a program; cargo-watch is installed" if watch else "a program",
        listening=listening,
        tools=("cargo",),
        stores=True,
        signal="SIGINT",
    )
