"""go.mod: its programs, air where it is set up, and its tests."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from orchestra.discover.project import folder, found, reading, saying

MARKERS = ("go.mod",)
AIR = (".air.toml", "air.toml", ".air.conf")
LISTENS = (
    re.compile(r"(?:ListenAndServe(?:TLS)?|\.Run|\.Start|\.Listen|net\.Listen)\((?:\s{0,9}\"tcp\",)?\s{0,9}\"[\w.]{0,40}:(?P<port>[1-9][0-9]{1,4})\""),
    re.compile(r"\bAddr:\s{0,9}\"[\w.]{0,40}:(?P<port>[1-9][0-9]{1,4})\""),
    re.compile(r"\b(?:port|addr|PORT)\w{0,10} (?::=|=) \"[\w.]{0,40}:?(?P<port>[1-9][0-9]{1,4})\""),
)  # fmt: skip
SERVES = re.compile(
    r"\b(?:ListenAndServe|net\.Listen|gin\.|echo\.New|fiber\.New|grpc\.NewServer|chi\.NewRouter|http\.Server)\b|gin-gonic/gin"
)
ASKS_PORT = re.compile(r"(?:Getenv|LookupEnv)\(\"PORT\"\)")
ROUTES = re.compile(r"(?:HandleFunc|Handle|GET|Get)\(\s{0,9}\"(?:GET )?(?P<path>/[\w/-]{0,40})\"")
LONG_RUNNING = re.compile(
    r"(?:^|[-_])(?:server|serve|api|web|app|http|grpc|gateway|worker|consumer|daemon|service|scheduler|bot)(?:$|[-_])"
)
MOST = 8


def panes(place: folder.Place) -> found.Found:
    if not place.has("go.mod"):
        return
    sources = place.sources(".go")
    mains = sorted({path.rpartition("/")[0] for path, text in sources if _is_main(text)})
    mains = [main for main in mains if main == "" or main.startswith("cmd/") or main.count("/") == 0]
    air = place.first(AIR)
    kept = [main for main in mains if len(mains) == 1 or _lasts(place, main, sources)]
    for left in sorted(set(mains) - set(kept)):
        yield found.note(
            f"{place.path(left) or 'the program beside go.mod'} is left out: nothing shows that it keeps running"
        )
    for main in kept[:MOST]:
        yield _program(place, main, sources, air if len(kept) == 1 else None, alone=len(kept) == 1)
    if any(path.endswith("_test.go") for path in place.files(".go")):
        yield found.Pane(
            name="tests",
            command="go test ./...",
            role=found.Role.CHECK,
            source="go.mod",
            reason="there are tests",
            tools=("go",),
        )


def _is_main(text: str) -> bool:
    return (
        re.search(r"^package main\b", text, re.MULTILINE) is not None
        and re.search(r"^func main\(\)", text, re.MULTILINE) is not None
    )


def _lasts(place: folder.Place, main: str, sources: Sequence[tuple[str, str]]) -> bool:
    own = [text for path, text in sources if path.rpartition("/")[0] == main]
    name = main.rpartition("/")[2]
    return any(SERVES.search(text) for text in own) or bool(LONG_RUNNING.search(name))


def _program(
    place: folder.Place, main: str, sources: Sequence[tuple[str, str]], air: str | None, *, alone: bool
) -> found.Pane:
    own = [text for path, text in sources if path.rpartition("/")[0] == main]
    texts = [*own, *(text for _, text in sources)] if alone else own
    name = main.rpartition("/")[2] or "server"
    serves = any(SERVES.search(text) for text in texts)
    asks = any(ASKS_PORT.search(text) for text in texts)
    told = reading.port(place.environ.get("PORT")) if asks else None
    written = next(_ports(texts), None)
    usual = 8080 if any("gin-gonic/gin" in text and ".Run()" in text for text in texts) else None
    port = told or written or usual
    listening = None
    if port is not None and serves:
        listening = found.Listening(
            port=port,
            path=saying.route(texts, ROUTES),
            said=bool(told or written),
            variable="PORT" if asks else "",
            written=asks and port != written,
        )
    return found.Pane(
        name=name,
        command="air" if air else f"go run {shlex.quote(f'./{main}') if main else '.'}",
        role=found.Role.SERVER if serves else found.Role.WORKER,
        source=air or (f"{main}/main.go" if main else "go.mod"),
        reason="air is set up" if air else "a program",
        listening=listening,
        tools=("go", "air") if air else ("go",),
        stores=True,
        signal="SIGINT",
    )


def _ports(texts: Sequence[str]) -> Iterator[int]:
    yield from (port for text in texts if (port := saying.first(LISTENS, text)) is not None)
