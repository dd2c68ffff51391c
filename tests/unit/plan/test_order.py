from __future__ import annotations

import pytest

from orchestra.model import diagnostic, errors, spec
from orchestra.plan import order


def pane(address: str, *needs: str) -> spec.Pane:
    edges = tuple(spec.Dependency(pane=each, condition=spec.Condition.STARTED) for each in needs)
    return spec.Pane(address=address, dir="/", depends_on=edges)


def workspace(*sessions: spec.Session) -> spec.Workspace:
    groups = (
        spec.Group(name="back", panes=("db/server", "api/server")),
        spec.Group(name="none", panes=()),
    )
    return spec.Workspace(name="shop", file="", sessions=sessions, groups=groups)


SHOP = workspace(
    spec.Session(name="db", windows=(spec.Window(name="main", panes=(pane("db/server"),)),)),
    spec.Session(
        name="api",
        windows=(
            spec.Window(name="main", panes=(pane("api/server", "db/server"), pane("api/shell"))),
            spec.Window(name="shell", panes=(pane("api/logs", "api/server"),)),
        ),
    ),
)


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ((), ()),
        (("api/shell",), ("api/shell",)),  # the pane, not the window of that name
        (("api/server",), ("api/server", "db/server")),
        (("api/logs",), ("api/logs", "api/server", "db/server")),
        (("api/main",), ("api/server", "api/shell", "db/server")),
        (("db",), ("db", "db/server")),
        (("api",), ("api", "api/logs", "api/server", "api/shell", "db/server")),
        (("@back",), ("api/server", "db/server")),
        (("@all",), ("api/logs", "api/server", "api/shell", "db/server")),
        (("@none", "api/shell"), ("api/shell",)),
        (("api/gone",), ("api/gone",)),
        (("gone",), ("gone",)),
    ],
)
def test_targets(wanted: tuple[str, ...], meant: tuple[str, ...]) -> None:
    assert order.targets(SHOP, wanted) == meant


@pytest.mark.parametrize(
    ("shop", "wanted", "summary", "hint"),
    [
        (SHOP, ("@nobody",), "no group @nobody in the manifest", "it has @back, @none"),
        (SHOP, ("@none",), "no pane is meant by @none", None),  # and not everything
        (workspace(), ("@all",), "no pane is meant by @all", None),
        (
            spec.Workspace(name="shop", file="", sessions=()),
            ("@back",),
            "no group @back in the manifest",
            "it declares no groups",
        ),
    ],
)
def test_targets_that_mean_nothing(
    shop: spec.Workspace, wanted: tuple[str, ...], summary: str, hint: str | None
) -> None:
    with pytest.raises(errors.UsageError) as failed:
        order.targets(shop, wanted)
    [one] = failed.value.diagnostics
    assert (one.summary, one.hint) == (summary, hint)


def test_generations_come_in_the_manifests_order() -> None:
    assert order.generations(SHOP) == (("db/server", "api/shell"), ("api/server",), ("api/logs",))


def test_a_cycle_is_printed_as_a_path_where_it_begins() -> None:
    circle = workspace(
        spec.Session(
            name="a",
            windows=(
                spec.Window(name="w", panes=(pane("a/x", "a/y"), pane("a/y", "a/x"), pane("a/z", "a/x"))),
            ),
        )
    )
    places = {
        name: diagnostic.Location(file="shop.yaml", line=line, column=1)
        for line, name in enumerate(("a/x", "a/y", "a/z"), 1)
    }
    with pytest.raises(errors.ManifestError) as failed:
        order.refuse_cycles(circle, places)
    [one] = failed.value.diagnostics
    path = one.summary.removeprefix("depends_on goes in a circle: ").split(" -> ")
    assert path in (["a/x", "a/y", "a/x"], ["a/y", "a/x", "a/y"])
    assert one.location == places[path[0]]
    assert one.hint == "take one of these dependencies away"
    order.refuse_cycles(SHOP, {})
