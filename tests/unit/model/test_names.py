import pytest

from orchestra.model import names


@pytest.mark.parametrize("name", ["a", "0", "my_shop-2", "x" * 63])
def test_workspace_names(name: str) -> None:
    assert names.WORKSPACE.match(name)


@pytest.mark.parametrize("name", ["", "-a", "_a", "A", "a b", "a/b", "a.b", "a\n", "ä", "x" * 64, "@a"])
def test_no_workspace_names(name: str) -> None:
    assert not names.WORKSPACE.match(name)


@pytest.mark.parametrize("name", ["a", "-", "A_b-0", "x" * 64])
def test_names(name: str) -> None:
    assert names.NAME.match(name)


@pytest.mark.parametrize(
    "name", ["", "a.b", "a:b", "a b", "a/b", "@a", "$1", "%1", "=a", "a\n", "ä", "x" * 65, ".hold"]
)
def test_no_names(name: str) -> None:
    """What tmux rewrites or takes for a target's syntax, and what our own holds are called."""
    assert not names.NAME.match(name)


def test_addresses() -> None:
    assert names.pane("api", "server") == "api/server"
    assert names.window("api", "main") == "api/main"
    assert [names.session_of(each) for each in ("api/server", "api", "api/.hold")] == ["api"] * 3
