from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from orchestra.host import process_table, secrets
from orchestra.model import spec
from orchestra.model.errors import SecretUnavailable
from tests.unit.host import until

CANARY = "c4n4ry"
ENV, FILE = spec.SourceKind.ENV, spec.SourceKind.FILE
COMMAND, ENV_FILE = spec.SourceKind.COMMAND, spec.SourceKind.ENV_FILE


def secret(kind: spec.SourceKind, source: str | Path, name: str = "TOKEN") -> spec.Secret:
    return spec.Secret(name=name, kind=kind, source=str(source))


def value(kind: spec.SourceKind, source: str | Path, name: str = "TOKEN") -> str:
    wanted = secret(kind, source, name)
    return secrets.Secrets(command_timeout=5).resolve([wanted], run_commands=True)[wanted]


def problem(kind: spec.SourceKind, source: str | Path, timeout: float = 30) -> str:
    with pytest.raises(SecretUnavailable) as caught:
        secrets.Secrets(timeout).resolve([secret(kind, source)], run_commands=True)
    assert CANARY not in repr(caught.value.diagnostics)
    context: BaseException | None = caught.value
    while context is not None:
        assert CANARY not in str(context)
        context = context.__context__
    return str(caught.value)


def test_from_env(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE", f" {CANARY}\n")
    assert value(ENV, "SOURCE") == f" {CANARY}\n"
    monkeypatch.setenv("SOURCE", "")
    assert value(ENV, "SOURCE") == ""
    monkeypatch.delenv("SOURCE")
    assert problem(ENV, "SOURCE") == "the environment variable SOURCE is not set"
    monkeypatch.setenv("SOURCE", f"{CANARY}\udcff")
    assert problem(ENV, "SOURCE") == "the environment variable SOURCE gives no UTF-8 text"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"a", "a"),
        (b"a\n", "a"),
        (b"a\r\n", "a"),
        (b"a\n\n", "a\n"),
        (b" a b \nc", " a b \nc"),
        ("ü".encode(), "ü"),
    ],
)
def test_from_file(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    assert value(FILE, path) == found


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "gives nothing"),
        (b"\n", "gives nothing"),
        (CANARY.encode() + b"\xff", "gives no UTF-8 text"),
        (CANARY.encode() + b"\0", "gives a NUL byte, which no environment can hold"),
        (CANARY.encode() * 200_000, "gives more than 1 MiB"),
    ],
)
def test_from_file_that_is_no_secret(tmp_path: Path, content: bytes, wrong: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    assert problem(FILE, path) == f"the secret file {path} {wrong}"


def test_from_what_is_no_file(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert problem(FILE, fifo) == f"the secret file {fifo} is not a regular file"
    assert problem(FILE, "/dev/zero") == "the secret file /dev/zero is not a regular file"
    assert problem(FILE, tmp_path) == f"the secret file {tmp_path} cannot be read: is a directory"
    assert (
        problem(FILE, tmp_path / "x")
        == f"the secret file {tmp_path}/x cannot be read: no such file or directory"
    )
    assert problem(FILE, "a\0b") == "the secret file a\0b cannot be read: not a path"


def test_from_command() -> None:
    assert value(COMMAND, f"echo {CANARY}") == CANARY
    assert value(COMMAND, f"printf '{CANARY}\\n\\n'") == f"{CANARY}\n"
    assert value(COMMAND, "head -c 1000000 /dev/zero | tr '\\0' x") == "x" * 1_000_000


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("echo $((1)); exit 3", "failed with exit status 3"),
        ("false | true; kill -9 $$", "failed with exit status -9"),
        ("true", "gives nothing"),
        ("yes", "gives more than 1 MiB"),
        ("printf '\\000'", "gives a NUL byte, which no environment can hold"),
    ],
)
def test_from_command_that_fails(command: str, wrong: str) -> None:
    assert problem(COMMAND, command) == f"the secret command `{command}` {wrong}"


def test_what_a_command_says_is_the_users_to_see_and_in_no_message(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script"
    script.write_text(f"echo {CANARY}; echo wrong passphrase {CANARY} >&2; exit 1")
    problem(COMMAND, f"sh {script}")
    assert capfd.readouterr() == ("", f"wrong passphrase {CANARY}\n")


def test_command_is_killed_with_all_it_started_at_the_timeout(tmp_path: Path) -> None:
    command = f"echo $$ >{tmp_path}/sh; sleep 1000 | sh -c 'echo $$ >{tmp_path}/pid; cat'"
    assert problem(COMMAND, command, timeout=0.3).endswith("did not end within 0.3 s")
    for name in ("sh", "pid"):
        pid = int((tmp_path / name).read_text())
        assert until.true(lambda: process_table.start_time(pid) is None)  # noqa: B023


def test_child_that_holds_the_pipe_holds_nobody_up() -> None:
    started = time.monotonic()
    assert value(COMMAND, f"sleep 8 & echo {CANARY}") == CANARY
    assert time.monotonic() - started < 5


def test_from_env_file(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(f"# comment\nexport OTHER='1'\nTOKEN=\"{CANARY}\\n\" # mine\nEMPTY=\n")
    assert value(ENV_FILE, path) == f"{CANARY}\n"
    assert value(ENV_FILE, path, name="EMPTY") == ""
    path.write_text(f"OTHER={CANARY}\n")
    assert problem(ENV_FILE, path) == f"the environment file {path} has no TOKEN"
    path.write_text(f"OK=1\nTOKEN='{CANARY}\n")
    assert problem(ENV_FILE, path).startswith(f"the environment file {path}, line 2: ")


def test_each_source_is_asked_once(tmp_path: Path) -> None:
    command = f"echo >>{tmp_path}/asked; echo {CANARY}"
    wanted = [secret(COMMAND, command, name) for name in ("A", "B", "A")]
    found = secrets.Secrets().resolve(wanted, run_commands=True)
    assert {each.name: text for each, text in found.items()} == {"A": CANARY, "B": CANARY}
    assert (tmp_path / "asked").read_text() == "\n"


def test_commands_are_left_out_unless_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE", CANARY)
    wanted = [secret(COMMAND, f"echo >{tmp_path}/asked", "A"), secret(ENV, "SOURCE", "B")]
    found = secrets.Secrets().resolve(wanted, run_commands=False)
    assert {each.name for each in found} == {"B"}
    assert not (tmp_path / "asked").exists()


def test_all_failures_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE", CANARY)
    wanted = [
        secret(ENV, "SOURCE", "GOOD"),
        secret(ENV, "GONE", "A"),
        secret(ENV, "GONE", "B"),
        secret(FILE, "/none", "C"),
        secret(COMMAND, "exit 1", "D"),
    ]
    with pytest.raises(SecretUnavailable) as caught:
        secrets.Secrets().resolve(wanted, run_commands=True)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.summary == "3 secrets cannot be read"
    assert diagnostic.detail == (
        "the environment variable GONE is not set\n"
        "the secret file /none cannot be read: no such file or directory\n"
        "the secret command `exit 1` failed with exit status 1"
    )
