from __future__ import annotations

import pytest

from orchestra.model import errors, status
from orchestra.plan import measured


def mark(address: str, uid: str) -> status.Mark:
    return status.Mark(workspace="shop", address=address, uid=uid)


def pane(id_: str, *, mark: status.Mark | None = None, dead: bool = False) -> status.Pane:
    return status.Pane(id=id_, index=0, pid=int(id_[1:]) + 100, dead=dead, mark=mark)


def window(id_: str, name: str, *panes: status.Pane) -> status.Window:
    return status.Window(id=id_, index=0, name=name, layout="", width=80, height=24, panes=panes)


SHARED = window("@3", "shared", pane("%4"))
SERVER = status.Server(
    running=True,
    pid=1,
    sessions=(
        status.Session(
            id="$1",
            name="renamed",
            mark=mark("api", "s"),
            windows=(
                window("@1", "main", pane("%1", mark=mark("api/server", "u1")), pane("%2")),
                window("@2", "more", pane("%3", mark=mark("api/db", "u1"), dead=True)),
            ),
        ),
        status.Session(id="$2", name="vim", windows=(SHARED,)),
        status.Session(id="$3", name="other", windows=(SHARED,)),
    ),
)
EVERY = measured.panes(SERVER)


def test_every_pane_once_and_what_it_is_called() -> None:
    assert [(pane.id, pane.key, pane.workspace, pane.session, pane.address, pane.pid) for pane in EVERY] == [
        ("%1", "u1", "shop", "api", "api/server", 101),
        ("%2", "1.0%2", "", "renamed", "renamed/1", 102),
        ("%3", "1.0%3", "shop", "api", "api/db", 0),  # its uid is forged or copied: another pane has it
        ("%4", "1.0%4", "", "vim", "vim/0", 104),
    ]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["@all"], "1 2 3 4"),
        (["shop"], "1 3"),
        (["api"], "1 3"),
        (["renamed"], "1 2 3"),
        (["vim"], "4"),
        (["api/server"], "1"),
        (["%2", "vim/0"], "2 4"),
        (["@back"], "3"),
        (["renamed/main"], "1 2"),
    ],
)
def test_words_mean(words: list[str], ids: str) -> None:
    found = measured.chosen(EVERY, words, lambda workspace: {"@back": ["api/db"]})
    assert " ".join(pane.id[1:] for pane in found) == ids


@pytest.mark.parametrize(
    ("word", "hint"),
    [("api/srever", "did you mean api/server?"), ("zzz", "orchestra metrics @all shows what there is")],
)
def test_word_that_means_nothing(word: str, hint: str) -> None:
    with pytest.raises(errors.UsageError) as failed:
        measured.chosen(EVERY, [word], lambda workspace: {})
    assert failed.value.diagnostics[0].hint == hint


def test_all_of_nothing_is_nothing() -> None:
    assert measured.chosen((), ["@all"], lambda workspace: {}) == ()
