from __future__ import annotations

import pytest

from orchestra.cli import output
from orchestra.manifest import duration


@pytest.mark.parametrize("text", ["300ms", "2s", "9s", "1m", "1m30s", "1h", "36h", "2d", "1d1h1m1s1ms"])
def test_what_was_wished_for_is_said_as_it_was_written(text: str) -> None:
    wished = duration.parsed(text)
    assert wished is not None
    said = output.wished(wished.total_seconds())
    assert duration.parsed(said) == wished
    assert said == (text if text != "36h" else "1d12h")


def test_nothing_has_a_unit() -> None:
    assert output.wished(0) == "0s"
