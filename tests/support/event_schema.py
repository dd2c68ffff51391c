"""Draws schemas/event.schema.json from the vocabulary: `python -m tests.support.event_schema` writes it, a test compares.

What a field means is read from the docstring under it; what bears none is told here, by its name.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
import typing
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import NoneType
from typing import Any

from orchestra.model import event

FILE = Path(__file__).parents[2] / "schemas/event.schema.json"
TIME = "2026-05-04T12:00:00.000000Z"
IDS = {"session": "$1", "window": "@2", "pane": "%3", "command": "%3", "health": "%3", "limit": "%3"}
"""By the first word of the type."""

ENVELOPE: Mapping[str, Mapping[str, Any]] = {
    "sequence": {
        "description": "Its place in the journal, from 1 on, never used twice; absent: it is not kept there.",
        "type": "integer",
        "minimum": 1,
    },
    "time": {"type": "string", "format": "date-time"},
    "workspace": {"description": "Absent: it belongs to none.", "type": "string"},
    "address": {"type": "string"},
    "cause": {"type": "string"},
}
MEANINGS = {
    "address": "Ours, where the object bears one.",
    "after": "What it is now.",
    "before": "What it was.",
    "delay": "In seconds.",
    "action": "Which of what it does.",
    "count": "How many.",
    "metric": "`cpu`, `memory`, `processes`, `threads` or `io`.",
    "pattern": "The regular expression.",
    "line": "Without escape sequences.",
    "run": "Names this one firing.",
    "schedule": "Its name.",
    "trigger": "Its name.",
    "text": "What it says.",
    "value": "What was measured.",
    "bound": "What it went over or under.",
    "limit": "Which.",
    "allowed": "The limit.",
    "attempt": "The number of the try, from 1.",
    "at": "The instant, ISO 8601 in UTC.",
    "event": "The type of what it reacts to.",
    "paths": "The first hundred.",
    "source": "Its sequence; 0 where it is not kept.",
    "taken": "Address -> why.",
    "spared": "Address -> why not.",
    "victims": "Address -> why.",
    "snapshot": "Its name; empty where there is none.",
    "output": "What was printed, the last of it.",
    "command": "The command line.",
    "duration": "Seconds it ran.",
    "epoch": "Names this server's life: `pid.started`.",
    "exit_code": "With which it ended; null where it did not end so, or nobody can know.",
    "final": "It is not tried again by itself.",
    "file": "The manifest; empty where there was none.",
    "id": "tmux's id of it.",
    "layout": "As tmux writes it.",
    "lines": "Without their line ends.",
    "name": "Its name in tmux.",
    "ok": "Whether all of it was done.",
    "part": "Which part of the daemon.",
    "pid": "Of the process.",
    "reason": "Why, in words.",
    "rolled_back": "Whether what had been done was undone.",
    "session": "tmux's id of the session.",
    "signal": "That ended it; null where none did, or nobody can know.",
    "skipped": "Address -> reason.",
    "title": "As the program in it set it.",
    "version": "Of the program.",
    "window": "tmux's id of the window.",
}
EXAMPLES: Mapping[str, Any] = {
    "workspaces": {"shop": 5},
    "address": "api/server",
    "changes": {"create": 2, "update": 1},
    "action": "run",
    "allowed": 536870912.0,
    "at": "2026-05-04T12:00:00Z",
    "attempt": 1,
    "bound": 1073741824.0,
    "command": "make test",
    "event": "pane.exited",
    "limit": "memory",
    "line": "ERROR: no such table",
    "metric": "memory",
    "output": "no such file",
    "paths": ["src/shop/app.py"],
    "pattern": "ERROR|FATAL",
    "run": "a1b2c3d4e5f6",
    "schedule": "nightly",
    "snapshot": "gc-2026-05-04",
    "source": 16,
    "spared": {},
    "taken": {"api/migrate": "it ended well 2h ago"},
    "text": "api/server was slow",
    "trigger": "alert-on-crash",
    "value": 1181116006.0,
    "victims": {"api/migrate": "it ended well 2h ago"},
    "epoch": "4242.1777896000",
    "exit_code": 1,
    "failed": {"api/server": "exited with 1 before it was ready"},
    "file": "manifests/shop.yaml",
    "layout": "b25d,80x24,0,0,2",
    "lines": ["listening on port 8000"],
    "name": "api",
    "part": "journal",
    "pid": 4242,
    "position": "a1b2:65536",
    "reason": "the disk is full",
    "session": "$1",
    "signal": None,
    "size": 65536,
    "skipped": {"api/worker": "api/server failed"},
    "title": "vim",
    "version": "3.5a",
    "window": "@2",
}
CHANGES: Mapping[str, tuple[Any, Any]] = {
    "session.attached": (0, 1),
    "window.moved": ("$1", "$4"),
    "pane.moved": ("@2", "@5"),
    "health.changed": ("healthy", "unhealthy"),
    "breaker.changed": ("closed", "open"),
}
SPECIAL: Mapping[str, Mapping[str, Any]] = {
    "daemon.started": {"version": "0.1.0"},
    "daemon.stopped": {"reason": "asked to stop"},
    "limit.exceeded": {"action": "restart"},
    "health.changed": {"reason": "connection refused"},
    "breaker.changed": {"name": "http://127.0.0.1:9000", "reason": "connection refused, 5 times"},
    "pane.output": {"typed": []},
    "pane.output_lost": {"reason": "the recording was interrupted"},
}
"""Examples of a type's own."""


def schema() -> dict[str, Any]:
    said = docstrings(event.Event)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "event",
        "description": "What happened: one record a happening, the same in the journal, in the API and on the command line.",
        "type": "object",
        "required": ["time", "type"],
        "properties": {
            **{name: {"description": said.get(name), **rules} for name, rules in ENVELOPE.items()},
            "type": {"description": "Which of the kinds of event it is.", "enum": list(event.BODIES)},
        },
        "oneOf": [{"$ref": f"#/$defs/{type_}"} for type_ in event.BODIES],
        "unevaluatedProperties": False,
        "examples": [example("pane.exited")],
        "$defs": {type_: _kind(kind) for type_, kind in event.BODIES.items()},
    }


def example(type_: str) -> dict[str, Any]:
    plain: dict[str, Any] = {"sequence": 17, "time": TIME, "type": type_}
    if not type_.startswith(("tmux.", "daemon.", "snapshot.", "breaker.")):
        plain["workspace"] = "shop"
    if type_.startswith(("pane.", "command.", "health.", "limit.", "watch.")):
        plain["address"] = "api/server"
    hints = _hints(event.BODIES[type_])
    return plain | {name: _example(type_, name, hint) for name, hint in hints.items()}


def text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _kind(kind: type[event.Body]) -> dict[str, Any]:
    hints, said = _hints(kind), docstrings(kind)
    object_, _, verb = kind.type.partition(".")
    return {
        "title": kind.type,
        "description": said.get("", f"{object_.capitalize()} {verb.replace('_', ' ')}."),
        "type": "object",
        "required": ["type", *hints],
        "properties": {
            "type": {"description": "The kind of event.", "const": kind.type},
            **{
                name: {"description": said.get(name) or MEANINGS[name], **_rules(hint)}
                for name, hint in hints.items()
            },
        },
        "examples": [example(kind.type)],
    }


def _example(type_: str, name: str, hint: Any) -> Any:
    if name in SPECIAL.get(type_, {}):
        return SPECIAL[type_][name]
    if name == "id":
        return IDS[type_.partition(".")[0]]
    if name in ("before", "after"):
        return CHANGES.get(type_, ("api", "shop"))[name == "after"]
    if name in EXAMPLES:
        return EXAMPLES[name]
    plain: dict[Any, Any] = {bool: False, int: 1, str: "…", timedelta: 1.5, timedelta | None: 1.5}
    return plain[hint]


def _rules(hint: Any) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return {"type": "array", "items": _rules(arguments[0])}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _rules(arguments[1])}
    if arguments:
        return {"type": [_rules(each)["type"] for each in arguments]}
    plain = {
        str: "string",
        int: "integer",
        bool: "boolean",
        float: "number",
        timedelta: "number",
        NoneType: "null",
    }
    return {"type": plain[hint]}


def _hints(kind: type) -> dict[str, Any]:
    return {name: hint for name, hint in typing.get_type_hints(kind).items() if name != "type"}


def docstrings(kind: type) -> dict[str, str]:
    """Of the class under "", of its fields by name."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    return dict(_told(tree))


def _told(tree: ast.ClassDef) -> Iterator[tuple[str, str]]:
    name = ""
    for each in tree.body:
        match each:
            case ast.AnnAssign(target=ast.Name(id=found)) | ast.Assign(targets=[ast.Name(id=found)]):
                name = found
            case ast.Expr(value=ast.Constant(value=str(said))):
                yield name, " ".join(inspect.cleandoc(said).split())


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
