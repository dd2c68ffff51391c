"""Files that are made to break an import: each is refused or told about within two seconds, and nothing in them is run."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from orchestra.cli import import_
from orchestra.discover import kinds, limits, source, translate
from orchestra.manifest import layout
from orchestra.model import errors

MIB = 1024 * 1024
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
HOSTILE: dict[str, tuple[str, str | bytes]] = {
    "deep YAML": ("a.yaml", "windows: " + "[" * 100_000),
    "deep JSON": ("a.json", '{"session_name": ' + "[" * 500_000),
    "bomb": ("compose.yaml", BOMB),
    "long text many times": (
        "compose.yaml",
        f"x: &x {'y ' * 250_000}\nservices:\n" + "".join(f"  s{n}: {{command: *x}}\n" for n in range(500)),
    ),
    "alias of itself": ("compose.yaml", "services: &a {x: *a}"),
    "merge bomb": (
        "compose.yaml",
        "services:\n  a0: &a0 {command: x}\n"
        + "".join(f"  a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)),
    ),
    "NUL": ("Procfile", "web: echo \0"),
    "escaped NUL": ("a.tmuxp.yaml", 'session_name: "a\\0"\nwindows: []'),
    "half a letter": ("a.json", '{"session_name": "\\ud800", "panes": [1]}'),
    "binary": ("Procfile", bytes(range(256)) * 100),
    "huge": ("Procfile", "a: b\n" * MIB),
    "many lines": ("Procfile", "a: b\n" * 200_000),
    "many processes": ("Procfile", "".join(f"a{n}: b\n" for n in range(2000))),
    "spaces": ("Procfile", "a: b" + " " * (MIB - 20) + "c\n!"),
    "rubbish": ("tmux_resurrect_1.txt", "x\n" * 15_000),
    "much ERB": ("a.tmuxinator.yml", "<%= x %>" * 100_000),
    "open ERB": ("a.tmuxinator.yml", "<%" * 500_000),
    "ini spaces": ("supervisord.conf", "[program:a]\na" + " " * (MIB - 100)),
    "ini value": ("supervisord.conf", "[program:a]\ncommand=x\nenvironment=A=b" + " " * (MIB - 100) + "c\n"),
    "ini sections": ("supervisord.conf", "".join(f"[x{n}]\n" for n in range(19_000))),
    "many copies": ("supervisord.conf", f"[program:a]\ncommand={'x ' * 400_000}\nnumprocs=1000\n"),
    "many numbers": ("supervisord.conf", "[program:a]\ncommand=x\nnumprocs=99999\nprocess_name=%(process_num)99d\n"),
    "before every pane": ("a.tmuxp.yaml", f"session_name: a\nshell_command_before: {'x' * 400_000}\nwindows: [{{panes: [{'a, ' * 900}]}}]"),
    "unknown keys": ("compose.yaml", "services: {a: {command: x}}\n" + "".join(f"k{n}: 1\n" for n in range(4000))),
    "many variables": (
        "compose.yaml",
        "services: {a: {command: x, environment: ['A=" + "".join(f"${{V{n}}}" for n in range(5000)) + "']}}",
    ),
    "many watched files": (
        "process-compose.yaml",
        "processes: {a: {command: x, watch: {paths: [" + ", ".join(f"{{path: 'a[{n}*'}}" for n in range(2500)) + "]}}}",
    ),
    "long limits": ("compose.yaml", f"services: {{a: {{command: x, mem_limit: {'9' * 500_000}k, restart: on-failure:{'9' * 400_000}}}}}"),
    "replicas of replicas": (
        "compose.yaml",
        "services:\n"
        + "".join(f"  s{n}: {{command: x, scale: 9, depends_on: [{', '.join(f's{m}' for m in range(n))}]}}\n" for n in range(80)),
    ),
    "a chain": ("compose.yaml", "services:\n" + "".join(f"  s{n}: {{command: x, depends_on: [s{n + 1}]}}\n" for n in range(900))),
    "nothing": ("a.yaml", ""),
    "a scalar": ("compose.yaml", "hello"),
    "a list": ("process-compose.yaml", "[1, 2]"),
    "two documents": ("compose.yaml", "a: 1\n---\nb: 2\n"),
    "tag": ("compose.yaml", "services: {a: {command: !!python/object/apply:os.system ['touch pwned']}}"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_it_ends_in_time_with_something_said(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file, content = HOSTILE[name]
    path = tmp_path / file
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    start = time.process_time()
    try:
        found = source.read(str(path))
        made = translate.imported(found, None, layout.panes)
        import_.refuse_faulty(made, found.folder)
        told = made.warnings
    except errors.ManifestError as failed:
        told = failed.diagnostics
    assert time.process_time() - start < 2
    assert told
    assert "fault" not in told[0].summary
    assert len(told) <= limits.WARNINGS + 2
    assert [each.name for each in tmp_path.iterdir()] == [file]


@pytest.mark.parametrize(
    "code",
    [
        "`touch pwned`",
        "system('touch pwned')",
        'ENV["A"]; `touch pwned`',
        '"#{`touch pwned`}"',
        'ENV["A"] || "#{1}"',
    ],
)
def test_erb_is_never_run(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = f"name: a\nwindows:\n  - a: echo <%= {code} %>\n"
    found = source.Source(file="a.yml", text=text, folder=tmp_path)
    made = translate.imported(found, kinds.Kind.TMUXINATOR, layout.panes)
    assert "Ruby code" in made.warnings[0].summary
    assert "variables" not in made.document
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "Procfile")
    for path in (tmp_path, tmp_path / "Procfile", Path("/dev/zero"), tmp_path / "missing"):
        with pytest.raises(errors.ManifestError):
            source.read(str(path))


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("a.yaml", "version: 1\nworkspace: a\nsessions: {}", "is a manifest of orchestra's already"),
        ("a.yaml", "hello:\n  world: 1", "cannot be told what"),
        ("a.yaml", "windows: x", "cannot be told what"),
        ("Procfile", "# nothing\n", "there is nothing to import"),
        ("a.json", '{"a": 1,}', "JSON: expected a text"),
        ("a.json", '{"a": [1 2]}', "JSON: expected `,`"),
        ("a.json", '{"a": nope}', "JSON: expected a value"),
        ("a.json", '{"a": 1} x', "nothing may stand behind"),
        ("a.yaml", "a: [", "YAML: "),
        ("compose.yaml", "? [a]\n: b", "a key must be text"),
        ("compose.yaml", "a: *b", "there is no anchor `b`"),
    ],
)
def test_what_cannot_be_read_is_told(file: str, text: str, said: str, tmp_path: Path) -> None:
    found = source.Source(file=file, text=text, folder=tmp_path)
    with pytest.raises(errors.ManifestError) as failed:
        translate.imported(found, None, layout.panes)
    assert said in failed.value.diagnostics[0].summary


@pytest.mark.parametrize(
    ("file", "text", "kind"),
    [
        ("x", "web: rails s\nworker: sidekiq -q default\n", kinds.Kind.PROCFILE),
        ("x", "web: rails s\nworker: echo {a: b\n", kinds.Kind.PROCFILE),
        ("x", "[program:a]\ncommand=x\n", kinds.Kind.SUPERVISORD),
        ("last", "pane\ta\t0\t:n\t1\t:*\t0\t:/\t1\tsh\t:\n", kinds.Kind.RESURRECT),
        ("x.yml", "name: a\nwindows: [{a: b}]", kinds.Kind.TMUXINATOR),
        ("x.yml", "name: a\nwindows: [{name: b, panes: [c]}]", kinds.Kind.TEAMOCIL),
        ("x.yml", "session: a\nwindows: [{name: b}]", kinds.Kind.SMUG),
        ("x.yml", "session_name: a\nwindows: [{panes: [b]}]", kinds.Kind.TMUXP),
        ("x.json", '{"processes": {"a": {"command": "b"}}}', kinds.Kind.PROCESS_COMPOSE),
        ("x.yml", "services: {a: {command: b}}", kinds.Kind.COMPOSE),
        ("x.json", '{"groups": {"a": {"sessions": ["b"]}}}', kinds.Kind.BRIDGE),
    ],
)
def test_without_a_telling_name_the_content_tells(
    file: str, text: str, kind: kinds.Kind, tmp_path: Path
) -> None:
    made = translate.imported(source.Source(file=file, text=text, folder=tmp_path), None, layout.panes)
    assert made.kind is kind


def test_the_command_knows_all_kinds() -> None:
    assert set(import_.KINDS) == {*kinds.Kind, *kinds.ALIASES}
