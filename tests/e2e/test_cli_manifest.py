"""Commands that only read manifests: validate, render, graph, schema. They ask no tmux and run nothing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Cli
from tests.support.cli_reference import SHAPES

ROOT = Path(__file__).parents[2]
MANIFEST = """\
version: 1
workspace: shop
variables: {port: 8000}
env_file: [.env]
secrets:
  TOKEN: {from_env: THE_TOKEN}
  OTHER: {from_command: "touch canary; echo secret-from-command"}
environments:
  production: {variables: {port: 80}}
sessions:
  db:
    panes:
      - {name: server, command: "db --port {{ port }}", health: {tcp: "127.0.0.1:5432"}}
  api:
    depends_on: {db: healthy}
    panes:
      - {name: migrate, command: [migrate]}
      - name: server
        depends_on:
          migrate: {condition: completed_successfully, on_restart: cascade}
          cache/redis: {condition: started, required: false}
  cache: {panes: [{name: redis, command: redis}]}
groups:
  backend: {sessions: [db, api]}
"""


@pytest.fixture
def shop(cli: Cli) -> str:
    cli.write(".env", "PASSWORD=hunter2\n")
    return cli.write("shop.yaml", MANIFEST)


def test_validate_tells_every_problem_of_every_file(cli: Cli, shop: str) -> None:
    assert cli.ok("validate", shop) == "shop.yaml: valid (3 sessions, 4 panes)\n"
    bad = cli.write("bad.yaml", MANIFEST.replace("workspace", "worskpace").replace("secrets", "secretz"))
    done = cli.run("validate", shop, bad, "gone.yaml")
    assert done.code == 1
    assert done.out == "shop.yaml: valid (3 sessions, 4 panes)\n"
    assert "bad.yaml:2:1" in done.err
    assert "bad.yaml:5:1" in done.err
    assert "there is no file gone.yaml" in done.err


def test_validate_json(cli: Cli, shop: str) -> None:
    told = cli.json("validate", shop)
    assert told == {
        "status": "success",
        "command": "validate",
        "files": [{"file": shop, "valid": True, "diagnostics": []}],
    }
    bad = cli.write("bad.yaml", MANIFEST.replace("workspace", "worskpace"))
    told = cli.json("validate", bad, shop, code=1)
    assert (told["status"], told["message"]) == ("error", "1 of 2 files has errors")
    assert [each["valid"] for each in told["files"]] == [False, True]
    places = [each["location"] for each in told["diagnostics"]]
    assert ("bad.yaml", 2, 1) in [(place["file"], place["line"], place["column"]) for place in places]


def test_validate_refuses_circles(cli: Cli) -> None:
    circle = "version: 1\nworkspace: c\nsessions:\n  a: {depends_on: [b]}\n  b: {depends_on: [a]}\n"
    done = cli.run("validate", cli.write("c.yaml", circle))
    assert done.code == 1
    assert re.search(r"circle: (a/0 -> b/0 -> a/0|b/0 -> a/0 -> b/0)", done.err)
    for command in ("graph", "apply", "diff"):
        assert "goes in a circle" in cli.run(command, "c.yaml").err


def test_validate_reads_standard_input(cli: Cli) -> None:
    done = cli.run("validate", "-", text="version: 1\nworkspace: piped\nsessions: {a: {}}\n")
    assert (done.code, done.out) == (0, "-: valid (1 session, 1 pane)\n")
    done = cli.run("diff", "-", text="version: 1\nworkspace: piped\nsessions: {a: {}}\n")
    assert done.code == 2
    assert "a/0" in done.out


def test_render_shows_everything_but_values(cli: Cli, shop: str) -> None:
    text = cli.ok("render", shop, "--env", "production")
    assert "command: db --port 80" in text
    assert "{{" not in text
    assert "from_env: THE_TOKEN" in text
    assert "from_command: touch canary" in text
    for secret in ("hunter2", "seen"):
        assert secret not in cli.ok("render", shop, THE_TOKEN="seen")
    assert not (cli.folder / "canary").exists()


def test_what_is_rendered_is_the_same_manifest(cli: Cli, shop: str) -> None:
    once = cli.ok("render", shop)
    assert cli.ok("render", cli.write("once.yaml", once)) == once
    told = [cli.json("graph", name)["graph"] for name in (shop, "once.yaml")]
    assert told[0] == told[1]


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "manifests").glob("*.yaml")))
def test_what_is_rendered_of_the_shipped_manifests_is_the_same(cli: Cli, name: str) -> None:
    shutil.copytree(ROOT / "manifests", cli.folder / "manifests")
    once = cli.ok("render", f"manifests/{name}")
    assert cli.ok("render", cli.write("manifests/once.yaml", once)) == once


def test_rendered_texts_keep_their_meaning(cli: Cli) -> None:
    hard = "on yes 22:30 017 0o17 1e5 0x1F .inf ~ null true 1_000 # ' @ % = << 2024-01-01 -1.5 ü→".split()  # noqa: SIM905
    hard += ["", " ", "- a", "a: b", '"', "a\nb\n", "a\n b", "\u202eevil", "\u2028"]
    listed = json.dumps(["echo", *hard])
    cli.write(
        "hard.yaml", f"version: 1\nworkspace: hard\nsessions: {{a: {{panes: [{{command: {listed}}}]}}}}\n"
    )
    once = cli.ok("render", "hard.yaml")
    assert "\u202e" not in once
    cli.write("once.yaml", once)
    told = [cli.json("render", name)["manifest"]["sessions"] for name in ("hard.yaml", "once.yaml")]
    assert told[0] == told[1]


def test_render_json(cli: Cli, shop: str) -> None:
    told = cli.json("render", shop, "--var", "port=1")
    assert set(told) == {"status", "command", *SHAPES["render"]}
    assert told["manifest"]["sessions"]["db"]["windows"][0]["panes"][0]["command"] == "db --port 1"


def test_graph_as_text_says_who_waits_for_whom(cli: Cli, shop: str) -> None:
    lines = cli.ok("graph", shop).splitlines()
    assert lines[0].split() == ["1", "db/server"]
    assert lines[1].split() == ["cache/redis"]
    assert lines[2].split()[:2] == ["2", "api/migrate"]
    assert "waits for db/server (healthy)" in lines[2]
    assert lines[3].startswith("3  api/server")
    assert "api/migrate (completed successfully, restarts with it)" in lines[3]
    assert "cache/redis (started, not required)" in lines[3]


def test_graph_for_programs_that_draw(cli: Cli, shop: str) -> None:
    dot = cli.ok("graph", shop, "--format", "dot")
    assert dot.startswith('digraph "shop" {\n')
    assert '"api/migrate" -> "api/server" [label="completed successfully, restarts with it"];' in dot
    assert '"cache/redis" -> "api/server" [label="started, not required", style=dashed];' in dot
    assert dot.count("{") == dot.count("}")
    mermaid = cli.ok("graph", shop, "--format", "mermaid").splitlines()
    assert mermaid[0] == "flowchart LR"
    assert '  p1 -->|"completed successfully, restarts with it"| p2' in mermaid
    assert '  p3 -.->|"started, not required"| p2' in mermaid


def test_graph_json(cli: Cli, shop: str) -> None:
    told = cli.json("graph", shop)
    assert set(told) == {"status", "command", *SHAPES["graph"]}
    assert json.loads(cli.ok("graph", shop, "--format", "json")) == told
    first = {"from": "db/server", "to": "api/migrate", "condition": "healthy", "required": True}
    assert {**first, "on_restart": "ignore"} in told["graph"]["edges"]
    assert {each["to"] for each in told["graph"]["edges"] if each["on_restart"] == "cascade"} == {
        "api/server"
    }
    assert {node["address"]: node["step"] for node in told["graph"]["nodes"]} == {
        "db/server": 1,
        "cache/redis": 1,
        "api/migrate": 2,
        "api/server": 3,
    }


def test_graph_without_panes(cli: Cli) -> None:
    cli.write("none.yaml", "version: 1\nworkspace: none\n")
    assert cli.ok("graph", "none.yaml") == "none has no panes\n"


def test_schema(cli: Cli) -> None:
    text = cli.ok("schema")
    assert json.loads(text) == json.loads((ROOT / "schemas/manifest.schema.json").read_text("utf-8"))
    told = cli.json("schema")
    assert set(told) == {"status", "command", *SHAPES["schema"]}
    assert told["schema"] == json.loads(text)


def test_warnings_are_told_beside_the_result(cli: Cli) -> None:
    """As text on stderr, in JSON under `warnings`."""
    cli.write("warned.yaml", "version: 1\nworkspace: w\nvariables: {port: 1}\nsessions: {a: {}}\n")
    done = cli.run("render", "warned.yaml", ORCHESTRA_VAR_prot="1")
    assert done.code == 0
    assert done.err.startswith("warning: ")
    done = cli.run("render", "warned.yaml", "-o", "json", ORCHESTRA_VAR_prot="1")
    assert done.json["warnings"][0]["severity"] == "warning"
    assert done.err == ""


def test_nothing_here_asks_tmux(cli: Cli, shop: str) -> None:
    for command in (["validate", shop], ["render", shop], ["graph", shop], ["schema"]):
        assert cli.run(*command, PATH="/nowhere").code == 0
    assert not (cli.folder / "state").exists()
    assert subprocess.run(["ls", cli.socket], capture_output=True, check=False).returncode != 0
