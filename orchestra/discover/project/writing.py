"""A survey as a manifest that reads as if a person had written it, with a comment where each thing comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from orchestra.discover.project import found, survey

HEAD = "# Made by `orchestra init` from what lies here, and yours from now on: change it, see `orchestra diff`, then `orchestra apply`."
NOTHING = """\
# Nothing that orchestra knows how to start was found here, so this is one shell. More panes look like this:
#      - name: server
#        command: python3 -m http.server 8000
#        health: {http: "http://127.0.0.1:8000/", interval: 1s}
# `orchestra template list` shows whole manifests to begin with."""
PLAIN = re.compile(r"(?:(?:[A-Za-z/]|\.(?![0-9]))[A-Za-z0-9 ._/=@%+-]*|[1-9][0-9]{0,3}(?:ms|s|m|h))\Z")
LINE = re.compile(
    r"(?:[A-Za-z/]|\.(?![0-9]))(?:[A-Za-z0-9 ._/=@%+,'\"$()*&|;<>?!^~-]|:(?! ))*(?<!:)\Z", re.ASCII
)
"""In a place of its own more is plain than inside brackets."""
WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n", ".inf", ".nan"})
HIDDEN = re.compile(r"[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
TEMPLATE = re.compile(r"\{\{|\{%|\{#")
WINDOWS = {
    "dev": (found.Role.DATABASE, found.Role.SERVER, found.Role.WORKER, found.Role.ONCE),
    "checks": (found.Role.CHECK,),
}
INTERVAL = "1s"


def text(seen: survey.Survey, base: str = "") -> str:
    """`base` is the way from the manifest's directory to the project's, where they differ."""
    return "\n".join(_lines(seen, base)) + "\n"


def _lines(seen: survey.Survey, base: str) -> Iterator[str]:
    if seen.schema is not None and not base:
        yield f"# yaml-language-server: $schema={comment(seen.schema)}"
    yield HEAD
    if seen.empty:
        yield NOTHING
    yield "version: 1"
    yield f"workspace: {scalar(seen.workspace)}"
    yield ""
    yield "sessions:"
    for number, session in enumerate(seen.sessions):
        if number:
            yield ""
        yield f"  {scalar(session.name)}:"
        yield from _session(session, base)


def _session(session: found.Session, base: str) -> Iterator[str]:
    directory = "/".join(part for part in (base.rstrip("/"), session.dir) if part)
    if directory:
        lead = "" if directory.startswith(("/", "../")) or directory == ".." else "./"
        yield f"    dir: {scalar(escaped(lead + directory))}"
    windows = {
        name: [pane for pane in session.panes if pane.role in roles] for name, roles in WINDOWS.items()
    }
    windows = {name: panes for name, panes in windows.items() if panes}
    if len(windows) + session.shell == 1:
        yield "    panes:"
        for pane in session.panes:
            yield from _pane(pane, session, base, "      ")
        if session.shell:
            yield from _shell(session, "      ")
        return
    yield "    windows:"
    for name, panes in windows.items():
        yield f"      - name: {name}"
        yield "        panes:"
        for pane in panes:
            yield from _pane(pane, session, base, "          ")
    if session.shell:
        yield "      - name: shell"
        yield "        panes:"
        yield from _shell(session, "          ")


def _shell(session: found.Session, indent: str) -> Iterator[str]:
    yield f"{indent}- name: shell"
    yield f"{indent}  focus: true"
    if session.activate is not None:
        yield f"{indent}  send_keys: [{scalar(escaped(session.activate), flow=True)}]"


def _pane(pane: found.Pane, session: found.Session, base: str, indent: str) -> Iterator[str]:
    yield f"{indent}# {comment(origin(pane, session))}"
    yield f"{indent}- name: {scalar(pane.name)}"
    yield f"{indent}  command: {scalar(escaped(pane.command))}"
    if pane.env:
        yield f"{indent}  env: {_flow(pane.env)}"
    if pane.env_file:
        paths = ["/".join(part for part in (base, session.dir, each) if part) for each in pane.env_file]
        yield f"{indent}  env_file: [{', '.join(scalar(escaped(each), flow=True) for each in paths)}]"
    if pane.after:
        yield f"{indent}  depends_on: {_flow({_near(name, session): condition for name, condition in pane.after.items()})}"
    if pane.listening is not None:
        yield f"{indent}  health: {_flow(_health(pane.listening))}"
    stop = {"signal": pane.signal, "timeout": pane.patience or None}
    if any(stop.values()):
        yield f"{indent}  stop: {_flow({key: value for key, value in stop.items() if value})}"


def origin(pane: found.Pane, session: found.Session) -> str:
    """Where the pane comes from, and its port."""
    where = f"{session.dir}/{pane.source}" if session.dir else pane.source
    port = ""
    if pane.listening is not None:
        port = f", port {pane.listening.port}{'' if pane.listening.said or pane.listening.written else ' by default'}"
    return f"{where}: {pane.reason}{port}"


def _health(listening: found.Listening) -> dict[str, str]:
    at = f"{listening.host}:{listening.port}"
    probe = {"tcp": at} if listening.path is None else {"http": f"http://{at}{listening.path}"}
    return {**probe, "interval": INTERVAL, **({"timeout": listening.patience} if listening.patience else {})}


def _near(address: str, session: found.Session) -> str:
    """A pane of the same session by its name alone."""
    return address.removeprefix(f"{session.name}/")


def _flow(values: Mapping[str, str]) -> str:
    pairs = (
        f"{scalar(key, flow=True)}: {scalar(escaped(value), flow=True)}" for key, value in values.items()
    )
    return "{" + ", ".join(pairs) + "}"


def scalar(value: str, *, flow: bool = False) -> str:
    """A text that every YAML reader takes for this text."""
    plain = (PLAIN if flow else LINE).match(value) and value.lower() not in WORDS
    if plain and not value.endswith(" ") and value.strip("."):
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return HIDDEN.sub(lambda each: f"\\u{ord(each[0]):04x}", quoted)


def escaped(value: str) -> str:
    """So that what looks like a template in somebody's text is not evaluated as one."""
    return (
        TEMPLATE.sub(lambda each: "{{ '" + each[0] + "' }}", value)
        if "{{" in value or "{%" in value
        else value
    )


def comment(value: str) -> str:
    """One line, whatever is in it."""
    plain = "".join(each if each.isprintable() else " " for each in HIDDEN.sub(" ", value))
    return plain if len(plain) <= 200 else plain[:200] + "…"
