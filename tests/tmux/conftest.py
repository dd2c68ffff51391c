"""A tmux server of each test's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.support import live, truth


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
