"""A tmux server of each test's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta

import pytest

from orchestra.engine.apply import execute
from tests.support import live, truth


@pytest.fixture(autouse=True)
def unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No apply waits to see whether what it started ends at once. That it is told is a test of the command line; here it was half of the
    time of thousands of applies."""
    monkeypatch.setattr(execute, "SETTLING", timedelta())


@pytest.fixture
def tmux() -> Iterator[live.Live]:
    """Not running yet."""
    with contextlib.closing(live.Live()) as made:
        yield made


@pytest.fixture
def world() -> Iterator[truth.Truth]:
    """With a model of what should be there."""
    with contextlib.closing(truth.Truth()) as made:
        yield made
