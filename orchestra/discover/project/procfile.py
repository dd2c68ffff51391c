"""Procfile: its lines are the panes, with the ports and the `.env` that foreman gives them."""

from __future__ import annotations

import re

from orchestra.discover.project import folder, found, reading, saying

FILES = ("Procfile.dev", "Procfile")
LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]{1,64}):[ \t]{0,40}(?P<command>\S[^\n]{0,2000})\Z")
ASKS_PORT = re.compile(r"\$\{?PORT\b")
BASE, STEP = 5000, 100
RAILS = 3000
"""What Rails' bin/dev sets."""
DEPLOYING = "release"
"""Runs when a version goes out, not while it is made."""
MOST = 30


def panes(place: folder.Place) -> found.Found:
    name = place.first(FILES)
    if name is None:
        return
    base = reading.port(place.environ.get("PORT")) or (RAILS if place.has("bin/rails") else BASE)
    number = 0
    for row, text in enumerate(place.text(name).split("\n"), 1):
        line = text.strip()
        if not line or line.startswith("#"):
            continue
        said = LINE.match(line)
        if said is None or not line.isprintable():
            yield found.warning(f"{place.path(name)}, line {row}, is left out: it is not `name: command`")
            continue
        if said["name"] == DEPLOYING:
            yield found.note(f"the line release of {place.path(name)} is left out: it is for deploying")
            continue
        if number == MOST:
            yield found.warning(f"{place.path(name)} has more than {MOST} lines; the rest is left out")
            return
        yield _pane(place, name, said["name"], said["command"].strip(), base + number * STEP)
        number += 1


def _pane(place: folder.Place, source: str, name: str, command: str, given: int) -> found.Pane:
    asks = ASKS_PORT.search(command) is not None or (name == "web" and place.has("bin/rails"))
    port = saying.port(ASKS_PORT.sub("", command)) if not asks else given
    listening = None
    if port is not None and port < 65536:
        listening = found.Listening(
            port=port,
            path="/" if "http.server" in command else None,
            said=not asks,
            variable="PORT" if asks else "",
            written=asks,
        )
    return found.Pane(
        name=name,
        command=command,
        role=found.Role.SERVER if listening or name == "web" else found.Role.WORKER,
        source=source,
        reason=f"the line {name}",
        listening=listening,
        tools=tuple(tool for tool in (_tool(command),) if tool),
        env_file=(".env",) if place.has(".env") and reading.is_env(place.text(".env")) else (),
        stores=True,
    )


def _tool(command: str) -> str:
    """The program, where the line plainly begins with one."""
    words = [word for word in command.split() if not re.match(r"[A-Za-z_]\w{0,60}=", word)]
    first = words[0] if words else ""
    return (
        first
        if re.match(r"[A-Za-z][A-Za-z0-9._+-]{0,40}\Z", first)
        and first not in ("exec", "env", "cd", "if", "while", "for")
        else ""
    )
