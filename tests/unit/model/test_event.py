from __future__ import annotations

import pytest

from orchestra.model import event


@pytest.mark.parametrize(
    ("asked", "address", "is_so"),
    [
        ("api", "api", True),
        ("api", "api/server", True),
        ("api/server", "api/server", True),
        ("api/server", "api", False),
        ("ap", "api/server", False),
        ("api", "", False),
    ],
)
def test_a_sessions_events_are_those_of_all_in_it(asked: str, address: str, is_so: bool) -> None:
    assert event.concerns(asked, address) is is_so
