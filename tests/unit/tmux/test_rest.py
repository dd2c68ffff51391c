"""What is read of whether anybody was there: what cannot be understood rests with nobody."""

from __future__ import annotations

import pytest

from orchestra.model import errors, status
from orchestra.tmux import observe, rest

SERVER = "S 7 8 " + "0: " * (observe._SERVER.count("#{n:") - 1) + "0:\nA \n"


def listed(*panes: str) -> str:
    """Each pane in a session of its own, with no text set."""
    rows = ""
    for number, pane in enumerate(panes):
        known = {"session_id": f"${number}", "window_id": f"@{number}", "pane_id": pane}
        numbers = " ".join(known.get(name, "0") for name in observe._NUMBERS)
        texts = dict.fromkeys(observe._TEXTS, "") | {"session_name": "s"}
        rows += f"P {numbers} " + " ".join(f"{len(each)}:{each}" for each in texts.values()) + "\n"
    return SERVER.replace("A \n", rows + "A \n")


def read(text: str) -> dict[str, status.Rest]:
    return rest.parse(text.encode(), b"rest 1")[1]


ROW = "Y %0 9 0 0 0 @0 0 $0 0 0 "
BOTH = "X %0 pane's\nZ $0 session's\n"


def test_what_is_told() -> None:
    found = read(f"{listed('%0')}rest 1\n{ROW}\n{BOTH}")
    assert {id_: each.text for id_, each in found.items()} == {"%0": "pane's", "$0": "session's"}
    assert not any(each.attached or each.shared or each.pinned or each.moded for each in found.values())


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("Y %0 9 0 0 0 @0 0 $0 0 1 ", "attached"),
        ("Y %0 9 0 0 0 @0 1 $0 0 0 ", "shared"),
        ("Y %0 9 0 0 0 @0 0 $0 1 0 ", "shared"),
        ("Y %0 9 0 0 0 @0 0 $0 0 0 1", "pinned"),
        ("Y %0 9 0 1 0 @0 0 $0 0 0 ", "moded"),
        ("Y %0 9 0 0 1 @0 0 $0 0 0 ", "moded"),
    ],
)
def test_what_a_pane_says_holds_for_its_session(row: str, told: str) -> None:
    found = read(f"{listed('%0')}rest 1\n{row}\n{BOTH}")
    assert [getattr(found[each], told) for each in ("%0", "$0")] == [True, True]


@pytest.mark.parametrize(
    "told",
    [
        "",
        BOTH,
        f"{ROW}\n",
        f"{ROW}\n{ROW}\n{BOTH}",
        f"{ROW}\nX %0 one\nX %0 another\nZ $0 session's\n",
        f"Y %0 9\n{BOTH}",
    ],
    ids=["nothing", "no row", "no text", "in two sessions", "two texts", "cut off"],
)
def test_what_is_not_understood_rests_with_nobody(told: str) -> None:
    assert read(f"{listed('%0')}rest 1\n{told}") == {}


def test_a_session_rests_only_with_all_of_its_panes() -> None:
    found = read(f"{listed('%0', '%1')}rest 1\n{ROW}\n{BOTH}Z $1 another's\n")
    assert set(found) == {"%0", "$0"}


def test_a_listing_that_is_none() -> None:
    with pytest.raises(errors.TmuxUnavailable):
        rest.parse(b"nonsense\n", b"rest 1")
    with pytest.raises(errors.TmuxUnavailable):
        rest.parse(SERVER.encode(), b"rest 1")  # the word that separates the two is not there
