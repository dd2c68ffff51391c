"""Limits as they are said on a command line."""

from __future__ import annotations

import pytest

from orchestra.manifest import limit_words
from orchestra.model import errors


@pytest.mark.parametrize(
    ("word", "key", "value"),
    [
        ("memory=512M", "memory", 512 * 1024**2),
        ("memory=1.5G", "memory", 3 * 1024**3 // 2),
        ("memory=1000", "memory", 1000),
        ("output=1M", "output", 1024**2),
        ("cpu=50%", "cpu", 50.0),
        ("cpu=12.5", "cpu", 12.5),
        ("processes=64", "processes", 64),
        ("time=1h30m", "time", 5400.0),
        ("on-exceed=kill", "on_exceed", "kill"),
        ("on_exceed=warn", "on_exceed", "warn"),
        ("after=1", "after", 1),
        ("cpu=none", "cpu", None),
    ],
)
def test_words(word: str, key: str, value: object) -> None:
    assert limit_words.parsed([word]) == {key: value}


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("memory=much", "memory cannot be much"),
        ("memory=", "memory cannot be empty"),
        ("memory=0", "memory cannot be 0"),
        ("cpu=0", "cpu cannot be 0"),
        ("cpu=nan", "cpu cannot be nan"),
        ("processes=1.5", "processes cannot be 1.5"),
        ("processes=99999999999999999999", "processes cannot be"),
        ("time=5", "time cannot be 5"),
        ("time=99999999d", "time cannot be"),
        ("on_exceed=explode", "on_exceed cannot be explode"),
        ("memry=1M", "memry=1M is no limit"),
        ("memory", "memory is no limit"),
    ],
)
def test_what_is_none_is_refused_with_what_would_be(word: str, said: str) -> None:
    with pytest.raises(errors.UsageError, match=said) as failed:
        limit_words.parsed([word])
    assert failed.value.diagnostics[0].hint
