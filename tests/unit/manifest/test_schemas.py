import dataclasses
import importlib.resources
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from orchestra.manifest import evaluate, fits, load, schemas
from orchestra.model import names, spec
from tests.support import manifest_reference

KINDS = (
    "session",
    "window",
    "pane",
    "health",
    "stop",
    "group",
    "defaults",
    "environment",
    "variable",
    "secret",
    "dependency_settings",
    "settings",
    "snapshots",
    "restart_settings",
    "backoff",
    "saved",
    "restore",
    "limits",
    "watch",
    "gc",
    "trigger",
    "on_settings",
    "comparison",
    "reaction",
    "run",
    "send_keys",
    "signal",
    "snapshot",
    "apply",
    "message",
    "notify",
    "webhook",
    "schedule",
)
SCHEMA: Any = load.schema()


def properties() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for kind, part in (("manifest", SCHEMA), *((kind, SCHEMA["$defs"][kind]) for kind in KINDS)):
        for key, rules in part["properties"].items():
            yield kind, key, {**followed(rules), **rules}


def followed(rules: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in rules:
        return {}
    inner = schemas.part(SCHEMA, rules["$ref"])
    return {**followed(inner), **inner}


def every(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from every(inner)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(dict(SCHEMA))
    assert json.loads(importlib.resources.files("orchestra").joinpath(schemas.FILE).read_text()) == SCHEMA


@pytest.mark.parametrize(("kind", "key", "rules"), list(properties()))
def test_every_key_is_described_with_an_example(kind: str, key: str, rules: dict[str, Any]) -> None:
    assert rules["description"].endswith(".")
    assert rules["examples"]


def test_every_map_refuses_unknown_keys_and_has_a_title_to_say_so() -> None:
    for part in every(SCHEMA):
        if part.get("type") == "object" and isinstance(part.get("properties"), dict):
            assert part["additionalProperties"] is False
            assert part["title"]


def test_every_keyword_is_understood_without_jsonschema_too() -> None:
    known = fits.CHECKS.keys() | fits.ANNOTATIONS
    for part in (SCHEMA, *SCHEMA["$defs"].values()):
        for rules in (part, *part.get("properties", {}).values(), *part.get("anyOf", ())):
            assert rules is False or rules.keys() <= known


def test_nothing_may_be_a_template_once_templates_are_evaluated() -> None:
    assert json.dumps(SCHEMA).count(schemas.TEMPLATE["$ref"]) > 10
    assert schemas.TEMPLATE["$ref"] not in json.dumps(schemas.evaluated())


def test_names_are_what_the_model_says() -> None:
    for text in ("a", "A-b_9", "x" * 64, "x" * 65, "", "a.b", "a\n", "ä", "-", "_", "a b", "0"):
        for rules, pattern in (
            (SCHEMA["$defs"]["name"], names.NAME),
            (SCHEMA["properties"]["workspace"]["anyOf"][0], names.WORKSPACE),
        ):
            fitting = jsonschema.Draft202012Validator(rules).is_valid(text)
            assert fitting == bool(pattern.match(text)), (text, pattern)


def test_defaults_are_the_model_s() -> None:
    health: Any = {field.name: field.default for field in dataclasses.fields(spec.Health)}
    for key in ("interval", "timeout", "start_period"):
        assert SCHEMA["$defs"]["health"]["properties"][key]["default"] == f"{health[key].seconds}s"
    for key in ("failure_threshold", "success_threshold"):
        assert SCHEMA["$defs"]["health"]["properties"][key]["default"] == health[key]
    assert SCHEMA["$defs"]["stop"]["properties"]["timeout"]["default"] == f"{spec.Stop().timeout.seconds}s"


AROUND: dict[str, Any] = {"version": 1, "workspace": "shop", "sessions": {"db": {}, "migrate": {}, "api": {}}}
PLACES: dict[str, Any] = {
    "manifest": lambda said: {**AROUND, **said},
    "session": lambda said: {**AROUND, "sessions": {**AROUND["sessions"], "s": said}},
    "window": lambda said: {**AROUND, "sessions": {**AROUND["sessions"], "s": {"windows": [said]}}},
    "pane": lambda said: {**AROUND, "sessions": {**AROUND["sessions"], "s": {"panes": [said]}}},
    "health": lambda said: PLACES["pane"](
        {"health": {"tcp": "h:1", **said}}
        if not set(said) & {"command", "http", "tcp", "output", "status"}
        else {"health": {"http": "http://h/", **said} if "status" in said else said}
    ),
    "stop": lambda said: PLACES["pane"]({"stop": said}),
    "group": lambda said: {
        **AROUND,
        "sessions": {**AROUND["sessions"], "workers": {"panes": [{"name": "worker-0"}]}},
        "groups": {"g": said},
    },
    "dependency_settings": lambda said: PLACES["pane"]({"depends_on": {"db/0": said}}),
    "secret": lambda said: {**PLACES["pane"]({}), "secrets": {"A": said}},
    "defaults": lambda said: {**PLACES["pane"]({}), "defaults": said},
    "restart_settings": lambda said: PLACES["pane"]({"restart": {"policy": "always", **said}}),
    "backoff": lambda said: PLACES["restart_settings"]({"backoff": said}),
    "snapshots": lambda said: {**AROUND, "snapshots": {"autosave": "1m", **said}},
    "limits": lambda said: PLACES["pane"]({"limits": said}),
    "watch": lambda said: PLACES["pane"]({"watch": {"paths": ["a"], **said}}),
    "gc": lambda said: {**AROUND, "gc": said},
    "message": lambda said: _does({"message": {"text": "x", **said}}),
    "notify": lambda said: _does({"notify": {"title": "x", **said}}),
    "webhook": lambda said: _does({"webhook": {"url": "http://h/", **said}}),
    "run": lambda said: _does({"run": {"command": "x", **said}}),
    "snapshot": lambda said: _does({"snapshot": said}),
    "apply": lambda said: _does({"apply": said}),
}


def _does(reaction: dict[str, Any]) -> dict[str, Any]:
    return {**AROUND, "triggers": [{"name": "t", "on": ["pane.exited", "pane.failed"], "do": [reaction]}]}


MEANS_NOTHING_ALONE = {("manifest", key) for key in ("version", "workspace", "variables", "environments", "include", "saved")} | {
    ("secret", "from_env"), ("group", "sessions"), ("health", "tcp"), ("message", "to")
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "key", "example"),
    [
        (kind, key, rules["examples"][0])
        for kind, key, rules in properties()
        if kind in PLACES and (kind, key) not in MEANS_NOTHING_ALONE
    ],
)
def test_every_key_changes_what_is_loaded(tmp_path: Path, kind: str, key: str, example: Any) -> None:
    (tmp_path / ".env").write_text("A=b\n")
    without = PLACES[kind]({"from_env": "OTHER"} if kind == "secret" else {})
    said = PLACES[kind]({key: example})
    if kind == "health":
        without = PLACES["pane"]({"health": {"tcp": "h:1"}})
    assert loaded(tmp_path, said) != loaded(tmp_path, without)


def loaded(folder: Path, document: Any) -> spec.Workspace:
    (folder / "m.yaml").write_text(json.dumps(document))
    environ = {"HOME": "/home/u", "ORCHESTRA_VAR_environment": "x"}
    return load.load(folder / "m.yaml", load.Inputs(environ=environ)).workspace


def test_every_field_of_the_model_has_its_key() -> None:
    renamed = {"address": "name", "file": None, "probe": None, "layout": "layout", "panes": "panes"}
    for kind, model in (
        ("pane", spec.Pane),
        ("window", spec.Window),
        ("session", spec.Session),
        ("health", spec.Health),
        ("stop", spec.Stop),
    ):
        keys = {renamed.get(field.name, field.name) for field in dataclasses.fields(model)} - {None}
        known = set(SCHEMA["$defs"][kind]["properties"])
        assert keys - known == ({"name"} if kind == "session" else set())


def test_typed_keys_are_keys() -> None:
    assert {key for _, key, _ in properties()} >= evaluate.TYPED


def test_the_reference_is_fresh() -> None:
    assert manifest_reference.PAGE.read_text() == manifest_reference.page(), (
        "run .venv/bin/python -m tests.support.manifest_reference"
    )
