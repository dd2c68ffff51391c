"""`init` and `template`: what is written for a project applies as it is, and nothing that is there is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestra.discover.project import templates
from tests.e2e import sandbox
from tests.e2e.conftest import Cli
from tests.support.cli_reference import SHAPES

NAMES = sorted(path.stem for path in (Path(__file__).parents[2] / "orchestra/templates").glob("*.yaml"))
SERVER = "web: exec python3 -m http.server $PORT --bind 127.0.0.1\n"


def test_a_project_runs_as_it_was_found(cli: Cli) -> None:
    port = sandbox.free_port()
    cli.write("Procfile", SERVER + "log: exec python3 -c 'input()'\n")
    cli.write(".env", f"PORT={port}\nGREETING=hello\n")
    cli.write("Makefile", "test:\n\t@test -f Procfile\n")
    done = cli.run("init")
    assert done.code == 0, done
    assert "orchestra.yaml: written (1 session, 4 panes); next: orchestra diff" in done.out
    name = cli.folder.name.lower().strip("_-")
    assert f"{name}/web" in done.err
    assert f"Procfile: the line web, port {port}" in done.err
    assert "Makefile: the target test" in done.err
    cli.ok("apply", "--yes")
    assert {f"{name}/web", f"{name}/log", f"{name}/tests", f"{name}/shell"} <= set(_addresses(cli))
    cli.ok("wait", f"{name}/web", "--for", "healthy", "--timeout", "20s")
    assert cli.run("diff").code == 0
    cli.ok("delete", "--yes")


def _addresses(cli: Cli) -> list[str]:
    return [pane["address"] for pane in cli.json("get", "panes")["panes"]]


def test_what_is_there_is_not_written_over(cli: Cli) -> None:
    cli.write("orchestra.yaml", "mine\n")
    refused = cli.run("init")
    assert refused.code == 1
    assert "orchestra.yaml is there already" in refused.err
    assert "--force writes over it" in refused.err
    assert (cli.folder / "orchestra.yaml").read_text() == "mine\n"
    cli.ok("init", "--force")
    assert "version: 1" in (cli.folder / "orchestra.yaml").read_text()
    assert [path.name for path in cli.folder.glob(".orchestra*")] == []


def test_orchestra_yml_is_not_hidden_by_orchestra_yaml(cli: Cli) -> None:
    cli.write("orchestra.yml", "mine\n")
    assert "orchestra.yml is there already" in cli.run("init").err
    assert not (cli.folder / "orchestra.yaml").exists()


def test_a_link_is_not_followed(cli: Cli) -> None:
    cli.write("elsewhere", "mine\n")
    (cli.folder / "orchestra.yaml").symlink_to("elsewhere")
    assert cli.run("init").code == 1
    cli.ok("init", "--force")
    assert (cli.folder / "elsewhere").read_text() == "mine\n"


def test_printing_writes_nothing(cli: Cli) -> None:
    (cli.folder / "shop").mkdir()
    cli.write("shop/Procfile", SERVER)
    cli.write("shop/.env", "A=b\n")
    before = sorted(path.name for path in (cli.folder / "shop").iterdir())
    text = cli.ok("init", "shop", "--print")
    assert "workspace: shop" in text
    assert "env_file: [.env]" in text
    assert cli.ok("init", "shop", "--out", "-") == text
    assert sorted(path.name for path in (cli.folder / "shop").iterdir()) == before


def test_a_manifest_elsewhere_finds_the_project(cli: Cli) -> None:
    for name in ("shop", "manifests"):
        (cli.folder / name).mkdir()
    cli.write("shop/Procfile", SERVER)
    cli.write("shop/.env", "A=b\n")
    out = cli.ok("init", "shop", "--out", "manifests/shop.yaml")
    assert "next: orchestra diff manifests/shop.yaml" in out
    rendered = cli.json("render", "manifests/shop.yaml")["manifest"]
    assert rendered["sessions"]["shop"]["dir"] == str(cli.folder / "shop")
    assert cli.run("init", "shop", "--out", "manifests/shop.yaml").code == 1


def test_what_is_missing_here_is_told(cli: Cli) -> None:
    cli.write("package.json", json.dumps({"scripts": {"dev": "vite"}, "packageManager": "pnpm@9"}))
    told = cli.run("init", PATH="/nowhere")
    assert told.code == 0, told
    assert "warning: pnpm is not on PATH" in told.err


def test_nothing_found_is_said(cli: Cli) -> None:
    (cli.folder / "empty").mkdir()
    done = cli.run("init", "empty")
    assert "nothing that orchestra knows how to start was found" in done.err
    assert "1 session, 1 pane)" in done.out
    assert "Nothing that orchestra knows how to start" in (cli.folder / "empty/orchestra.yaml").read_text()


def test_json(cli: Cli) -> None:
    cli.write("Procfile", "worker: no-such-tool-of-anybody\nbad line\n")
    told = cli.json("init")
    assert set(told) == {"status", "command", "warnings", *SHAPES["init"]}
    assert [pane["command"] for pane in told["panes"]] == ["no-such-tool-of-anybody"]
    assert told["missing"] == [{"tool": "no-such-tool-of-anybody", "panes": [told["panes"][0]["address"]]}]
    assert told["manifest"] == (cli.folder / "orchestra.yaml").read_text()
    assert cli.json("init", code=1)["hint"] == "--force writes over it"
    assert cli.json("init", "--print")["file"] is None


def test_a_wrong_directory_or_template_is_told_with_a_hint(cli: Cli) -> None:
    assert "there is no directory none" in cli.run("init", "none").err
    done = cli.run("init", "--template", "djagno")
    assert done.code == 64
    assert "did you mean django?" in done.err


def test_where_nobody_may_write_it_is_told(cli: Cli) -> None:
    cli.write("file", "")
    done = cli.run("init", "--out", "file/orchestra.yaml")
    assert done.code == 1
    assert "cannot write file/orchestra.yaml" in done.err


def test_hostile_names_reach_the_terminal_harmless(cli: Cli) -> None:
    cli.write("package.json", json.dumps({"scripts": {"dev": "vite"}}))
    (cli.folder / "\x1b[31m").mkdir()
    cli.write("\x1b[31m/package.json", json.dumps({"scripts": {"dev": "vite"}}))
    cli.write("Procfile", "web: echo \x1b]0;x\n")
    done = cli.run("init")
    assert "\x1b" not in done.out + done.err + (cli.folder / "orchestra.yaml").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_template_validates_and_renders_in_a_project(cli: Cli, name: str) -> None:
    (cli.folder / "shop").mkdir()
    cli.ok("init", "shop", "--template", name)
    assert "errors" not in cli.ok("validate", "shop/orchestra.yaml")
    rendered = cli.json("render", "shop/orchestra.yaml")["manifest"]
    assert rendered["workspace"] == "shop"
    assert rendered["description"]
    text = (cli.folder / "shop/orchestra.yaml").read_text()
    assert text.startswith("# ")
    assert "\nvariables:\n" in text
    assert (
        all(variable["description"] for variable in rendered["variables"].values())
        if "variables" in rendered
        else True
    )


def test_there_are_enough() -> None:
    assert len(NAMES) >= 10


def test_the_nearer_template_is_meant(cli: Cli) -> None:
    listed = {each["name"]: each for each in cli.json("template", "list")["templates"]}
    assert set(listed) == set(NAMES)
    assert all(each["description"] and each["origin"] == "orchestra" for each in listed.values())
    cli.write(
        "own.yaml", "version: 1\nworkspace: own\ndescription: |\n  First line\n  second\nsessions: {a: {}}\n"
    )
    assert "orchestra init --template django" in cli.ok("template", "add", "own.yaml", "--name", "django")
    shown = cli.json("template", "show", "django")
    assert set(shown) == {"status", "command", *SHAPES["template show"]}
    assert (shown["origin"], shown["path"]) == (
        "user",
        str(cli.folder / "config/orchestra/templates/django.yaml"),
    )
    assert "First line\n" in cli.ok("template", "list")
    (cli.folder / ".orchestra/templates").mkdir(parents=True)
    cli.write(".orchestra/templates/django.yml", "version: 1\nworkspace: near\nsessions: {a: {}}\n")
    assert "workspace: near" in cli.ok("template", "show", "django")
    cli.ok("init", "--template", "django")
    assert f"workspace: {cli.folder.name.lower().strip('_-')}" in (cli.folder / "orchestra.yaml").read_text()


def test_only_what_is_valid_and_whole_becomes_a_template(cli: Cli) -> None:
    cli.write("bad.yaml", "version: 1\nworkspace: own\nsessions: {a: {colour: red}}\n")
    assert "bad.yaml:3" in cli.run("template", "add", "bad.yaml").err
    cli.write("part.yaml", "version: 1\nworkspace: p\nsessions: {b: {}}\n")
    cli.write("with.yaml", "version: 1\nworkspace: own\ninclude: [./part.yaml]\nsessions: {a: {}}\n")
    assert "includes other files" in cli.run("template", "add", "with.yaml").err
    assert "there is no file none.yaml" in cli.run("template", "add", "none.yaml").err
    assert cli.run("template", "add", "part.yaml", "--name", "../x").code == 64
    cli.ok("template", "add", "part.yaml")
    assert "is there already" in cli.run("template", "add", "part.yaml").err
    assert set(cli.json("template", "add", "part.yaml", "--force")) == {
        "status",
        "command",
        *SHAPES["template add"],
    }


def test_a_template_that_cannot_be_read_is_no_end(cli: Cli) -> None:
    folder = cli.folder / "config/orchestra/templates"
    folder.mkdir(parents=True)
    (folder / "blob.yaml").write_bytes(b"\xff\x00")
    (folder / "odd name.yaml").write_text("x")
    (folder / "text.yaml").write_text("[" * 3000)
    listed = cli.ok("template", "list")
    assert "(it is not text)" in listed
    assert "odd name" not in listed
    assert "it is not text" in cli.run("template", "show", "blob").err


def test_the_workspace_is_named_even_where_a_template_names_none() -> None:
    assert templates.for_workspace("# x\nsessions: {}\n", "shop").startswith("workspace: shop\n# x")
