from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestra.host import paths
from orchestra.model.errors import Conflict, OrchestraError

SOCKET = Path("/tmp/tmux-1000/default")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_config_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert paths.config_file() == home / ".config/orchestra/config.yaml"
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert paths.config_file() == home / ".config/orchestra/config.yaml"
    monkeypatch.setenv("XDG_CONFIG_HOME", "/etc/mine")
    assert paths.config_file() == Path("/etc/mine/orchestra/config.yaml")
    assert not home.exists()


def test_directories_without_a_runtime_directory(home: Path) -> None:
    found = paths.directories(SOCKET)
    assert found.state.parent == home / ".local/state/orchestra"
    assert found.state.name.startswith("default-")
    assert found.runtime == found.state / "run"
    assert [mode(path) for path in (found.state.parent, found.state, found.runtime)] == [0o700] * 3
    assert paths.directories(SOCKET) == found


def test_directories_with_a_runtime_directory(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    found = paths.directories(SOCKET)
    assert found.runtime == runtime / "orchestra" / found.state.name
    assert mode(found.runtime) == 0o700


@pytest.mark.parametrize("way", ["missing", "open", "link", "relative", "file"])
def test_runtime_directory_that_others_may_write_is_not_used(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    runtime = tmp_path / "runtime"
    match way:
        case "open":
            runtime.mkdir()
            runtime.chmod(0o777)
        case "link":
            (tmp_path / "real").mkdir(mode=0o700)
            runtime.symlink_to(tmp_path / "real")
        case "file":
            runtime.touch(mode=0o600)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "runtime" if way == "relative" else str(runtime))
    found = paths.directories(SOCKET)
    assert found.runtime == found.state / "run"


def test_sockets_do_not_share(home: Path) -> None:
    sockets = [
        SOCKET,
        Path("/tmp/tmux-1001/default"),
        Path("/tmp/tmux-1000/other"),
        Path("/x/ü ;$(id)" + "y" * 90),
    ]
    states = {paths.directories(socket).state for socket in sockets}
    assert len(states) == len(sockets)
    assert all(len(state.name) <= 33 and state.name.isascii() for state in states)


def test_one_socket_has_one_name(home: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert paths.directories(tmp_path / "real/s") == paths.directories(tmp_path / "link/s")


def test_open_directory_of_ours_is_closed(home: Path) -> None:
    ours = home / ".local/state/orchestra"
    ours.mkdir(parents=True)
    ours.chmod(0o777)
    paths.directories(SOCKET)
    assert mode(ours) == 0o700


@pytest.mark.parametrize("way", ["link", "dangling", "file"])
def test_anything_but_a_directory_is_refused(home: Path, tmp_path: Path, way: str) -> None:
    ours = home / ".local/state/orchestra"
    ours.parent.mkdir(parents=True)
    if way == "file":
        ours.touch()
    else:
        ours.symlink_to(tmp_path if way == "link" else tmp_path / "nowhere")
    with pytest.raises(Conflict, match="is not a directory"):
        paths.directories(SOCKET)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_users_directory_is_refused(home: Path) -> None:
    ours = home / ".local/state/orchestra"
    ours.mkdir(parents=True)
    os.chown(ours, 65534, 65534)
    with pytest.raises(Conflict, match="belongs to another user"):
        paths.directories(SOCKET)


def test_home_that_cannot_be_written_is_told(home: Path) -> None:
    home.touch()
    with pytest.raises(OrchestraError, match=r"cannot use the directory .*: not a directory"):
        paths.directories(SOCKET)
