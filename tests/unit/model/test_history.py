from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra.model import history

COMMANDS = st.lists(st.text(st.sampled_from("ab \\\\\\\n\n\t'\"$é\x1b")).filter(history.is_kept))


@given(COMMANDS)
def test_what_is_written_is_read(commands: list[str]) -> None:
    """But for a space after a backslash at the end."""
    read = history.parse(history.text(commands))
    assert read == tuple(f"{each} " if each.endswith("\\") else each for each in commands)
    assert history.text(read) == history.text(commands)


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("", ()),
        ("ls", ("ls",)),
        ("ls\n\n  \npwd\n", ("ls", "pwd")),
        ("for x in 1\\\ndo echo\\\ndone\n", ("for x in 1\ndo echo\ndone",)),
        ("echo a \\\\\n  b\n", ("echo a \\\n  b",)),
        ("echo \\", ("echo \\",)),
        ("a\n\x1b]0;x\x07\nb\n", ("a", "b")),
        ("x" * 4096, ()),
        ("caf\ufffd\n", ()),
    ],
)
def test_what_a_person_writes(text: str, commands: tuple[str, ...]) -> None:
    assert history.parse(text) == commands
