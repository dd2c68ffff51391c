from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as some

from orchestra.model import live
from orchestra.snapshot import programs

BASH = live.Program(argv=("-bash",), path="/usr/bin/bash")
ARGV = some.lists(
    some.text(some.sampled_from("ab |;&$`'\"\\*~#!\n{}()<>é"), max_size=6), min_size=1, max_size=4
)


def program(*argv: str, path: str = "") -> live.Program:
    return live.Program(argv=argv, path=path)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("bash",), True),
        (("-zsh",), True),
        (("/usr/bin/fish", "-l"), True),
        (("sh", "-i", "-l"), True),
        (("bash", "script"), False),
        (("bash", "-c", "true"), False),
        (("zsh", "-f"), False),
        (("vim",), False),
        ((), False),
    ],
)
def test_what_is_a_shell(argv: tuple[str, ...], expected: bool) -> None:
    assert programs.is_shell(program(*argv)) is expected


@pytest.mark.parametrize(
    ("first", "foreground", "in_shell", "expected"),
    [
        (BASH, (), False, None),
        (program("vim", "a b"), (), False, ("vim", "a b")),
        (program("bash", "script"), (), False, ("bash", "script")),
        (program("bash", "script"), (), True, None),
        (BASH, (program("vim", "a b"),), False, ("vim", "a b")),
        (program("vim"), (program("sh", "-i"),), False, ("sh", "-i")),
        (BASH, (program("-zsh", "-l", path="/bin/zsh"),), False, ("/bin/zsh", "-l")),
        (BASH, (program("-zsh"),), False, ("zsh",)),
        (BASH, (program("npm run dev  "),), False, "npm run dev"),
        (BASH, (program("./a b"),), False, ("./a b",)),
        (BASH, (program("/opt/a b", "c"),), False, ("/opt/a b", "c")),
        (BASH, (program("tail", "-f", "a b"), program("cat")), False, "tail -f 'a b' | cat"),
        (BASH, (program(), program("cat")), False, ("cat",)),
        (BASH, (program(),), False, None),
    ],
)
def test_what_brings_it_back(
    first: live.Program,
    foreground: tuple[live.Program, ...],
    in_shell: bool,
    expected: programs.Words | None,
) -> None:
    running = live.Running(first=first, foreground=foreground)
    assert programs.was(running, in_shell=in_shell) == expected


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("\udcff", "whose words are no text"),
        ("x" * programs.LONGEST, "whose words are too long"),
        ("a\x1b[201~b", "whose words hold control characters"),
        ("a\rb", "whose words hold control characters"),
        ("a\x9bb", "whose words hold control characters"),
    ],
)
def test_what_cannot_be_written_down(word: str, reason: str) -> None:
    running = live.Running(first=BASH, foreground=(program("echo", word),))
    with pytest.raises(programs.Unwritable) as caught:
        programs.was(running, in_shell=True)
    assert caught.value.reason == reason
    with pytest.raises(programs.Unwritable):
        programs.typed(("echo", word))


@given(pipeline=some.lists(ARGV, min_size=1, max_size=3))
def test_a_pipeline_is_taken_apart_again(pipeline: list[list[str]]) -> None:
    written = " | ".join(map(shlex.join, pipeline))
    found = programs.commands(written)
    if any("|" in each for each in pipeline):  # a word that looks like what is between commands
        assert found in ((), tuple(map(tuple, pipeline)))
    else:
        assert found == tuple(map(tuple, pipeline))


@pytest.mark.parametrize(
    "line",
    [
        "vim x; rm y",
        "vim x && rm y",
        "vim x || rm y",
        "vim $(rm y)",
        "vim `rm y`",
        "vim x > y",
        "vim x &",
        "vim x\nrm y",
        "vim 'x",
        "vim ~/x",
        "vim *",
        "vim |",
        "| vim",
        "",
    ],
)
def test_a_line_that_is_more_than_commands_is_taken_for_none(line: str) -> None:
    assert programs.commands(line) == ()


@pytest.mark.parametrize("words", [("echo", "a\nb"), "echo 'a\nb' | cat", "vim x; ls", "npm run dev"])
def test_a_line_that_may_be_typed(words: programs.Words) -> None:
    assert programs.typed(words) == programs.line(words)


@pytest.mark.parametrize("words", ["echo a\nrm b", "echo a\n", "echo 'a\nb'; rm c", "echo a\x03rm b\r"])
def test_a_line_that_would_run_by_itself_is_not_typed(words: str) -> None:
    with pytest.raises(programs.Unwritable):
        programs.typed(words)


def test_the_shell_is_called_by_its_path() -> None:
    assert programs.shell(BASH) == "/usr/bin/bash"
    assert programs.shell(program("-ash")) == "ash"
