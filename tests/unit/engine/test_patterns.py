from __future__ import annotations

import pytest

from orchestra.engine import patterns


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        pytest.param("b+", "abb", id="first"),
        pytest.param("(?i)READY", "is ready", id="flags"),
        pytest.param("^c$", None, id="none"),
        pytest.param(r"\Aé\Z", "é", id="unicode"),
    ],
)
def test_first_line(pattern: str, found: str | None) -> None:
    assert patterns.search(pattern, ["a", "abb", "bb", "is ready", "cc", "é"]) == found


def test_a_pattern_that_never_ends_is_stopped() -> None:
    with pytest.raises(patterns.TooSlow, match=r"'\(a\+\)\+\$' took more than 50 ms"):
        patterns.search("(a+)+$", ["a" * 5000 + "b"], budget=0.05)


def test_a_pattern_that_is_slow_on_every_line_is_stopped_where_others_wait() -> None:
    with pytest.raises(patterns.TooSlow, match=r"took more than 0.05 s on [0-9]+ lines"):
        list(patterns.found("a*a*a*[bc]", ["a" * 200] * 10_000, budget=60, whole=0.05))
    with pytest.raises(patterns.TooSlow, match=r"took more than 0.05 s on [0-9]+ lines"):
        patterns.search("a*a*a*[bc]", ["a" * 200] * 10_000, budget=60, whole=0.05)


def test_a_line_is_looked_at_to_a_length() -> None:
    assert patterns.search("b", ["a" * patterns.LONGEST + "b"]) is None
    assert patterns.search("b$", ["a" * (patterns.LONGEST - 1) + "b"]) is not None
