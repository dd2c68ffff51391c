"""Health checks of compose and process-compose, as ours. Their defaults are written out where they are not ours."""

from __future__ import annotations

import re
import urllib.parse

from orchestra.discover import interpolation, notes, settings, taking
from orchestra.discover.context import Context
from orchestra.discover.notes import CARRIED, Known
from orchestra.discover.tree import List, Map, Node, Scalar, child

CHECK: Known = {
    "test": CARRIED, "interval": CARRIED, "timeout": CARRIED, "retries": CARRIED, "start_period": CARRIED, "disable": CARRIED,
    "start_interval": "probes come at one interval",
}  # fmt: skip
PROBE: Known = {
    "exec": CARRIED, "http_get": CARRIED, "initial_delay_seconds": CARRIED, "period_seconds": CARRIED,
    "timeout_seconds": CARRIED, "success_threshold": CARRIED, "failure_threshold": CARRIED,
}  # fmt: skip
EXEC: Known = {"command": CARRIED, "working_dir": "a probe runs where the pane does: `cd DIR && …`"}
HTTP: Known = {
    "host": CARRIED, "scheme": CARRIED, "path": CARRIED, "port": CARRIED, "status_code": CARRIED,
    "headers": "a probe sends no headers of its own: `command: curl -H …`", "num_port": CARRIED,
}  # fmt: skip


def healthcheck(node: Node | None, context: Context) -> dict[str, object]:
    """Of compose: empty when there is none."""
    if not isinstance(node, Map):
        return {}
    context.notes.keys(node, CHECK, "a healthcheck")
    probe = _test(child(node, "test"), context)
    if taking.flag(node, "disable", context.notes) or probe is None:
        return {}
    made: dict[str, object] = {"command": probe, "interval": "30s", "timeout": "30s"}
    for key in ("interval", "timeout", "start_period"):
        said = taking.text(node, key, context.notes)
        spelled = settings.duration(said, node.at, key, context, bare="ns") if said else None
        if spelled not in (None, "0s"):
            made[key] = spelled
    retries = taking.whole(node, "retries", context.notes)
    if retries and retries != 3:
        made["failure_threshold"] = retries
    return made


def _test(test: Node | None, context: Context) -> str | list[str] | None:
    """`[CMD, …]` is run as it is, `[CMD-SHELL, line]` and a text by a shell."""
    said = [
        interpolation.expanded(each.text, each.at, context.variables, context.notes)
        for each in taking.every(test, "test", context.notes)
    ]
    if test is None or said in ([], ["NONE"]):
        return None
    if isinstance(test, Scalar):
        return said[0] or None
    if said[0] == "CMD" and len(said) > 1 and context.variables.rendered(said[1]):
        return said[1:]
    if said[0] == "CMD-SHELL" and len(said) > 1 and said[1]:
        return said[1]
    context.notes.left_out("test", test.at, "a test begins with CMD, CMD-SHELL or NONE")
    return None


def readiness(node: Map, context: Context) -> dict[str, object]:
    """Of process-compose: empty when nothing can be probed."""
    context.notes.keys(node, PROBE, "a probe")
    made: dict[str, object] = {}
    run, get = taking.table(node, "exec", context.notes), taking.table(node, "http_get", context.notes)
    if run is not None:
        context.notes.keys(run, EXEC, "exec")
        if line := taking.text(run, "command", context.notes):
            made["command"] = line.replace("$$", "$")
    if get is not None and not made:
        made |= _http(get, context)
    if not made:
        context.notes.left_out("probe", node.at, "it has neither a command nor an address that can be asked")
        return {}
    if (delay := taking.whole(node, "initial_delay_seconds", context.notes)) is not None and delay:
        made["start_period"] = settings.spelled(delay * 1000)
        at = node.entries["initial_delay_seconds"].at
        context.notes.warn(
            at,
            "`initial_delay_seconds` becomes `start_period`: probes begin at once, but failures do not count until then",
        )
    for key, ours in (("period_seconds", "interval"), ("timeout_seconds", "timeout")):
        if seconds := taking.whole(node, key, context.notes):
            made[ours] = settings.spelled(seconds * 1000)
    for key in ("failure_threshold", "success_threshold"):
        if number := taking.whole(node, key, context.notes):
            made[key] = number
    return made


def _http(get: Map, context: Context) -> dict[str, object]:
    context.notes.keys(get, HTTP, "http_get")

    def said(key: str, default: str) -> str:
        text = taking.text(get, key, context.notes) or default
        return interpolation.expanded(text, get.at, context.variables, context.notes)

    host, scheme, path = said("host", "127.0.0.1"), said("scheme", "http").lower(), said("path", "/")
    port = said("port", "") or said("num_port", "")
    url = f"{scheme}://{host}{f':{port}' if port else ''}/{path.removeprefix('/')}"
    if not _is_address(context.variables.rendered(url)):
        context.notes.left_out(
            "http_get", get.at, f"{notes.quoted(context.variables.rendered(url))} is not an address"
        )
        return {}
    made: dict[str, object] = {"http": url}
    if (status := taking.whole(get, "status_code", context.notes, least=100, most=599)) is not None:
        made["status"] = status
    else:
        made["status"] = 200
    return made


def _is_address(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return usable and not parts.netloc.endswith(":") and url.isprintable() and " " not in url


def log_line(text: str) -> dict[str, object]:
    """process-compose looks for the text itself, not for a pattern."""
    return {"output": re.escape(text)[:1000]}


def words(node: Node | None, key: str, context: Context) -> list[str]:
    """A list as it is."""
    if node is not None and not isinstance(node, List):
        context.notes.left_out(key, node.at, "a list was expected here")
        return []
    return [each.text for each in taking.every(node, key, context.notes)]
