"""Makefile, justfile: targets with recipes, for where nothing else says how it is done."""

from __future__ import annotations

import re

from orchestra.discover.project import folder, found, saying

FILES = {
    "Makefile": "make",
    "makefile": "make",
    "GNUmakefile": "make",
    "justfile": "just",
    "Justfile": "just",
}
TARGET = re.compile(r"@?(?P<name>[A-Za-z][\w-]{0,40})[ \t]{0,9}:(?![=:])")
SERVERS = ("dev", "run", "serve", "start")
"""The first of them that is there."""
OTHERS = {"watch": "watch", "test": "tests"}
EMPTY = re.compile(r"[@-]{0,2}(?:echo\b|printf\b|true\b|:$|#|$)")


def panes(place: folder.Place) -> found.Found:
    name = place.first(FILES)
    if name is None:
        return
    recipes = _recipes(place.text(name), tabs=FILES[name] == "make")
    server = next((target for target in SERVERS if target in recipes), None)
    if server is not None:
        yield _pane(name, server, server, found.Role.SERVER, recipes[server])
    for target, called in OTHERS.items():
        if target in recipes:
            yield _pane(name, target, called, found.Role.CHECK, "")


def _recipes(text: str, *, tabs: bool) -> dict[str, str]:
    """Target → its lines, where one of them does something."""
    recipes: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.split("\n"):
        if line.startswith("\t" if tabs else ("\t", " ")):
            if current is not None and not EMPTY.match(line.strip()):
                current.append(line.strip())
        elif line.strip() and not line.startswith("#"):
            target = TARGET.match(line)
            current = recipes.setdefault(target["name"], []) if target else None
    return {target: "\n".join(lines) for target, lines in recipes.items() if lines}


def _pane(file: str, target: str, name: str, role: found.Role, recipe: str) -> found.Pane:
    port = saying.port(recipe)
    return found.Pane(
        name=name,
        command=f"{FILES[file]} {target}",
        role=role,
        source=file,
        reason=f"the target {target}",
        listening=found.Listening(port=port, path="/" if "http.server" in recipe else None, said=True)
        if port
        else None,
        tools=(FILES[file],),
        stores=role is found.Role.SERVER,
        spare=True,
        whole=True,
    )
