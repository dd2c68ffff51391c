"""Draws docs/reference/manifest.md from the schema: `python -m tests.support.manifest_reference` writes it, a test compares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestra.manifest import load

PAGE = Path(__file__).parents[2] / "docs/reference/manifest.md"
SCHEMA: Any = load.schema()
SECTIONS = (
    ("The manifest", "#"),
    ("A session", "#/$defs/session"),
    ("A window", "#/$defs/window"),
    ("A pane", "#/$defs/pane"),
    ("`health`", "#/$defs/health"),
    ("`restart`", "#/$defs/restart_settings"),
    ("`backoff` of `restart`", "#/$defs/backoff"),
    ("`limits`", "#/$defs/limits"),
    ("`watch`", "#/$defs/watch"),
    ("`stop`", "#/$defs/stop"),
    ("An entry of `depends_on`", "#/$defs/dependency_settings"),
    ("An entry of `secrets`", "#/$defs/secret"),
    ("An entry of `variables`", "#/$defs/variable"),
    ("An entry of `groups`", "#/$defs/group"),
    ("An entry of `environments`", "#/$defs/environment"),
    ("An entry of `triggers`", "#/$defs/trigger"),
    ("A map under `on`", "#/$defs/on_settings"),
    ("A field's map under `when`", "#/$defs/comparison"),
    ("An entry of `schedules`", "#/$defs/schedule"),
    ("An entry of `do`", "#/$defs/reaction"),
    ("`run`", "#/$defs/run"),
    ("`send_keys` of `do`", "#/$defs/send_keys"),
    ("`signal`", "#/$defs/signal"),
    ("`snapshot` of `do`", "#/$defs/snapshot"),
    ("`apply` of `do`", "#/$defs/apply"),
    ("`message`", "#/$defs/message"),
    ("`notify`", "#/$defs/notify"),
    ("`webhook`", "#/$defs/webhook"),
    ("`gc`", "#/$defs/gc"),
    ("`snapshots`", "#/$defs/snapshots"),
    ("`saved`", "#/$defs/saved"),
    ("`defaults`", "#/$defs/defaults"),
    ("The user's settings", "#/$defs/settings"),
    ("`restore` of the user's settings", "#/$defs/restore"),
    ("`metrics` of the user's settings", "#/$defs/metrics"),
)
TYPES = {
    "null": "nothing",
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "array": "list",
    "object": "map",
}
TEMPLATE = "#/$defs/template"
INTRODUCTION = """\
# The manifest, key by key

Drawn from `schemas/manifest.schema.json` by `make docs`; editors complete from the same file when the manifest begins with

```yaml
# yaml-language-server: $schema=../schemas/manifest.schema.json
```

Wherever a value stands, a text with `{{ name }}` may stand: it is evaluated first and checked after. Not so keys,
`include` and `variables`. Durations are written `300ms`, `10s`, `5m`, `2h`, `7d` or `1h30m`.
"""


def page() -> str:
    return "\n".join([INTRODUCTION, *(line for title, ref in SECTIONS for line in _section(title, ref))])


def _section(title: str, ref: str) -> Iterator[str]:
    rules = _part(ref)
    yield f"## {title}\n"
    if description := rules.get("description"):
        yield f"{description}\n"
    yield "| key | what | default | example |"
    yield "|---|---|---|---|"
    for key, own in rules["properties"].items():
        merged = {**_followed(own), **own}
        needed = " **Required.**" if key in rules.get("required", ()) else ""
        yield _row(
            f"`{key}`",
            f"{_kind(own)}. {merged['description']}{needed}",
            _value(merged, "default"),
            _example(merged),
        )
    yield ""


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _part(ref: str) -> Any:
    found = SCHEMA
    for step in ref.split("/")[1:]:
        found = found[step]
    return found


def _followed(rules: Any) -> Any:
    return {**_followed(_part(rules["$ref"])), **_part(rules["$ref"])} if "$ref" in rules else {}


def _kind(rules: Any) -> str:
    kinds = list(dict.fromkeys(_kinds({**_followed(rules), **rules})))
    return " or ".join(filter(None, (", ".join(kinds[:-1]), kinds[-1])))


def _kinds(rules: Any) -> Iterator[str]:
    if rules.get("type") == "string" and "title" in rules:
        yield rules["title"]
    elif "enum" in rules:
        yield from (f"`{choice}`" for choice in rules["enum"])
    elif "const" in rules:
        yield f"`{rules['const']}`"
    elif "anyOf" in rules:
        for choice in rules["anyOf"]:
            if choice.get("$ref") != TEMPLATE:
                yield from _kinds({**_followed(choice), **choice})
    else:
        kinds = rules.get("type", [])
        for kind in [kinds] if isinstance(kinds, str) else kinds:
            yield f"list of {_plural(rules)}" if kind == "array" and _plural(rules) else TYPES[kind]


def _plural(rules: Any) -> str:
    items = {**_followed(rules.get("items", {})), **rules.get("items", {})}
    return {"pane": "panes", "window": "windows"}.get(
        items.get("title", ""), "texts" if "string" in items.get("type", ()) else ""
    )


def _value(rules: Any, key: str) -> str:
    return f"`{json.dumps(rules[key], ensure_ascii=False)}`" if key in rules else ""


def _example(rules: Any) -> str:
    return ", ".join(f"`{json.dumps(example, ensure_ascii=False)}`" for example in rules.get("examples", ()))


def main() -> None:
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
