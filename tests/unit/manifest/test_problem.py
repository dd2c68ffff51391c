import pytest

from orchestra.manifest import problem
from orchestra.model.diagnostic import Location
from orchestra.model.errors import ManifestError

HERE = Location(file="m", line=3, column=2, path="a.b")
THERE = Location(file="m", line=1, column=9, path="a")


def told(problems: problem.Problems) -> list[str]:
    with pytest.raises(ManifestError) as failed:
        problems.raise_all()
    return [one.summary for one in failed.value.diagnostics]


def test_problems_are_told_by_place_and_those_without_first() -> None:
    problems = problem.Problems()
    problems.add(HERE, "third")
    problems.add(THERE, "second")
    problems.add(None, "first")
    problems.warn(HERE, "a warning comes last")
    assert told(problems) == ["first", "second", "third", "a warning comes last"]


def test_nothing_is_told_twice() -> None:
    problems = problem.Problems()
    problems.add(HERE, "a")
    problems.add(HERE, "a")
    problems.add(HERE, "b")
    problems.next_step()
    problems.add(HERE, "c")
    problems.add(THERE, "d")
    assert told(problems) == ["d", "a", "b"]


def test_no_problems_are_no_error() -> None:
    problem.Problems().raise_all()


@pytest.mark.parametrize(
    ("word", "among", "guess"),
    [
        ("wroker", ["worker", "server"], "worker"),
        ("Server", ["server"], "server"),
        ("zzz", ["server"], None),
        ("server", ["server"], None),
        ("x", [], None),
        ("x" * 100, ["x" * 100], None),
    ],
)
def test_what_was_meant_is_guessed(word: str, among: list[str], guess: str | None) -> None:
    assert problem.nearest(word, among) == guess


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "`a`"),
        (None, "nothing"),
        (True, "`true`"),
        (1.5, "`1.5`"),
        ("a\x1b[31m\n", "`a\\x1b[31m\\n`"),
        ("\u202e", "`\\u202e`"),
        ("x" * 100, "`" + "x" * 59 + "…`"),
    ],
)
def test_values_are_shown_short_and_harmless(value: object, text: str) -> None:
    assert problem.quoted(value) == text
