import pytest

from orchestra.model import dotenv


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", {}),
        ("A=b", {"A": "b"}),
        ("A=b\r\nC=d\r\n", {"A": "b", "C": "d"}),
        ("export A=b", {"A": "b"}),
        ("  A = b c  # comment\n", {"A": "b c"}),
        ("A=b#c", {"A": "b#c"}),
        ("A=#c", {"A": ""}),
        ("A=", {"A": ""}),
        ("A=\nB=c", {"A": "", "B": "c"}),
        ("# comment\n\n   \nA=b", {"A": "b"}),
        ("A='b # $c \\n'", {"A": "b # $c \\n"}),
        ('A="b\\n\\"\\$\\\\\\x" # c', {"A": 'b\n"$\\\\x'}),
        ("A='b\nc'\nD=e", {"A": "b\nc", "D": "e"}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=$(touch x)", {"A": "$(touch x)"}),
        ("A=a=b", {"A": "a=b"}),
    ],
)
def test_assignments(text: str, pairs: dict[str, str]) -> None:
    assert {one.name: one.value for one in dotenv.assignments(text)} == pairs


@pytest.mark.parametrize(
    ("text", "line"),
    [("A", 1), ("A=b\n\n=c", 3), ("A='b", 1), ("A='b'c", 1), ("A='x\ny'\nB", 3), ('A="b\\"', 1)],
)
def test_what_is_no_assignment_is_told_by_its_line(text: str, line: int) -> None:
    with pytest.raises(dotenv.Malformed) as failed:
        list(dotenv.assignments(text))
    assert failed.value.line == line


def test_lines_are_counted() -> None:
    assert [one.line for one in dotenv.assignments("# x\nA='b\nc'\n\nD=e\n")] == [2, 5]


def test_a_value_is_not_shown() -> None:
    assert "hunter2" not in repr(list(dotenv.assignments("A=hunter2")))
