"""What a selector means, and what is none."""

from __future__ import annotations

import pytest

from orchestra.model import selector

CANDIDATES = (
    selector.Candidate(address="api/server", window="api/main", labels={"tier": "web", "team": "a"}),
    selector.Candidate(address="api/shell", window="api/main"),
    selector.Candidate(address="api/main", window="api/logs", labels={"tier": "web"}),
    selector.Candidate(address="db/server", window="db/main", labels={"tier": "data"}),
)
GROUPS = {"backend": ("db/server", "api/server"), "gone": ("x/y",)}
ALL = [each.address for each in CANDIDATES]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("api/server", ["api/server"]),
        ("api", ["api/server", "api/shell", "api/main"]),
        ("api/*", ["api/server", "api/shell", "api/main"]),
        ("*/server", ["api/server", "db/server"]),
        ("[ad]*/server", ["api/server", "db/server"]),
        ("api/main", ["api/server", "api/shell", "api/main"]),  # the window's, and the pane of that name
        ("a*", ["api/server", "api/shell", "api/main"]),
        ("API", []),
        ("@all", ALL),
        ("@backend", ["api/server", "db/server"]),
        ("@gone", []),
        ("@other", []),
        ("tier=web", ["api/server", "api/main"]),
        ("tier=web,team!=a", ["api/main"]),
        ("tier!=web", ["api/shell", "db/server"]),
        ("tier==data", ["db/server"]),
        ("tier=", []),
    ],
)
def test_who_is_meant(text: str, meant: list[str]) -> None:
    assert selector.fault(text) is None
    assert list(selector.chosen(text, CANDIDATES, GROUPS)) == meant


@pytest.mark.parametrize("text", ["", "a b", "a/b/c", "@", "@a b", "a=b,c", "=x", "a;b", "$(x)", "a\nb"])
def test_what_is_none_says_so(text: str) -> None:
    assert selector.fault(text)
