"""A workspace as a manifest's document: short where defaults say the same, in the order the schema has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from orchestra.discover import variables
from orchestra.model import spec
from orchestra.snapshot import take

Document = dict[str, object]


def document(workspace: spec.Workspace, home: str) -> Document:
    """What a person would write: what all panes of a session share stands on the session."""
    made: Document = {"version": 1, "workspace": workspace.name}
    if workspace.description:
        made["description"] = workspace.description
    if workspace.labels:
        made["labels"] = dict(workspace.labels)
    made["sessions"] = {each.name: _short_session(each, home) for each in workspace.sessions}
    return written(made)


def session(session: spec.Session, home: str) -> Document:
    """In full: every window and pane with its name, and nothing shared."""
    return {**of_session(session), "windows": [window(each, home) for each in session.windows]}


def window(window: spec.Window, home: str) -> Document:
    return {
        "name": window.name,
        **of_window(window),
        "panes": [pane(each, home) for each in window.panes],
    }


def pane(pane: spec.Pane, home: str) -> Document:
    return _pane(pane, home, pane.name, dir="", env={})


def written(made: Document) -> Document:
    """With braces that mean themselves."""
    found = variables.written(made)
    assert isinstance(found, dict)
    return found


def _short_session(session: spec.Session, home: str) -> Document:
    """What most panes share stands on the session."""
    dir = take.most_common(pane.dir for pane in session.panes)
    env = dict(session.panes[0].env)
    for pane in session.panes[1:]:
        env = {name: value for name, value in env.items() if pane.env.get(name) == value}
    made = {**of_session(session), "dir": _path(dir, home), **_some("env", env)}
    windows: list[Document] = []
    place = 0
    for number, window in enumerate(session.windows):
        panes = []
        for pane in window.panes:
            name = pane.name if pane.name != str(place) else None
            panes.append(_pane(pane, home, name, dir=dir, env=env))
            place += 1
        named = None if window.name == str(number) else window.name
        windows.append({**_some("name", named), **of_window(window), "panes": panes})
    return {**made, "windows": windows}


def of_session(session: spec.Session) -> Document:
    return {
        **_some("title", session.title),
        **_some("labels", dict(session.labels)),
        **_some("options", dict(sorted(session.options.items()))),
    }


def of_window(window: spec.Window) -> Document:
    return {
        **_some("title", window.title),
        **_some("layout", window.layout),
        **_some("focus", window.focus),
        **_some("zoomed", window.zoomed),
        **_some("options", dict(sorted(window.options.items()))),
    }


def _pane(pane: spec.Pane, home: str, name: str | None, *, dir: str, env: Mapping[str, str]) -> Document:
    own = {key: value for key, value in pane.env.items() if env.get(key) != value}
    files = list(dict.fromkeys(each.source for each in pane.secrets if each.kind is spec.SourceKind.ENV_FILE))
    secrets = {
        each.name: {str(each.kind): each.source}
        for each in pane.secrets
        if each.kind is not spec.SourceKind.ENV_FILE
    }
    return {
        **_some("name", name),
        **_some("command", _words(pane.command)),
        **_some("send_keys", list(pane.send_keys)),
        **_some("was", _words(pane.was)),
        **_some("opened", pane.opened),
        **_some("title", pane.title),
        **_some("labels", dict(pane.labels)),
        **_some("options", dict(sorted(pane.options.items()))),
        **_some("scrollback_file", pane.scrollback_file),
        **_some("history_file", pane.history_file),
        **({} if pane.shell_integration else {"shell_integration": False}),
        **_some("focus", pane.focus),
        **_some("size", _size(pane.size)),
        **({} if pane.dir == dir else {"dir": _path(pane.dir, home)}),
        **_some("shell", pane.shell),
        **_some("env", own),
        **_some("env_file", files),
        **_some("secrets", secrets),
        **_some("depends_on", {each.pane: _dependency(each) for each in pane.depends_on}),
        **_some("health", _health(pane.health)),
        **_some("restart", _restart(pane.restart)),
        **_some("stop", _stop(pane.stop)),
    }


def _some(key: str, value: object) -> Document:
    return {key: value} if value not in (None, False, "", [], {}) else {}


def _words(words: str | tuple[str, ...] | None) -> object:
    return list(words) if isinstance(words, tuple) else words


def _path(path: str, home: str) -> str:
    """A colleague's home is another one."""
    if home != "/" and (path == home or path.startswith(f"{home}/")):
        return f"~{path[len(home) :]}"
    return path


def _size(size: spec.Size | None) -> object:
    if size is None:
        return None
    return size.cells if size.cells is not None else f"{size.percent}%"


def _dependency(edge: spec.Dependency) -> object:
    condition = str(edge.condition)
    if edge.required and not edge.cascades:
        return condition
    return {
        "condition": condition,
        **({} if edge.required else {"required": False}),
        **({"on_restart": "cascade"} if edge.cascades else {}),
    }


def _health(health: spec.Health | None) -> Document:
    if health is None:
        return {}
    probe: Document
    match health.probe:
        case spec.CommandProbe(command=command):
            probe = {"command": _words(command)}
        case spec.HttpProbe(url=url, status=code):
            probe = {"http": url, **_some("status", code)}
        case spec.TcpProbe(host=host, port=port):
            probe = {"tcp": f"[{host}]:{port}" if ":" in host else f"{host}:{port}"}
        case spec.OutputProbe(pattern=pattern):
            probe = {"output": pattern}
        case None:
            probe = {}
    usual = spec.Health(probe=health.probe)
    for key in (
        "interval",
        "timeout",
        "failure_threshold",
        "success_threshold",
        "start_period",
        "errors",
        "recovery",
        "restart_unhealthy",
    ):
        value = getattr(health, key)
        if value != getattr(usual, key):
            probe[key] = _duration(value) if isinstance(value, timedelta) else value
    return probe


def _restart(restart: spec.Restart) -> object:
    usual = spec.Restart(policy=restart.policy)
    if restart == usual:
        return None if restart.policy is spec.Policy.NO else str(restart.policy)
    backoff: Document = {}
    for key, value, default in (
        ("initial", restart.delay, usual.delay),
        ("factor", restart.factor, usual.factor),
        ("max", restart.longest, usual.longest),
    ):
        if value != default:
            backoff[key] = _duration(value) if isinstance(value, timedelta) else value
    more = {} if restart.max_restarts == usual.max_restarts else {"max_restarts": restart.max_restarts}
    window = {} if restart.window == usual.window else {"window": _duration(restart.window)}
    return {"policy": str(restart.policy), **_some("backoff", backoff), **more, **window}


def _stop(stop: spec.Stop) -> Document:
    made = {
        **_some("keys", list(stop.keys)),
        **_some("signal", stop.signal),
        **_some("command", _words(stop.command)),
    }
    return made if stop.timeout == spec.Stop().timeout else {**made, "timeout": _duration(stop.timeout)}


def _duration(length: timedelta) -> str:
    millis = round(length.total_seconds() * 1000)
    return f"{millis}ms" if millis % 1000 else f"{millis // 1000}s"
