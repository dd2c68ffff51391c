from __future__ import annotations

from collections.abc import Mapping

import hypothesis
import pytest
from hypothesis import strategies

from orchestra.host import accounting

SHELL, CHILD, GRANDCHILD, LATER = 100, 101, 102, 103


def counted(
    cpu: float, reaped: float = 0.0, *, parent: int = 1, read: int = 0, written: int = 0, started: float = 1.0
) -> accounting.Counted:
    return accounting.Counted(
        started=started, parent=parent, at=0.0, cpu=cpu, reaped=reaped, read=read, written=written
    )


def account(*looks: Mapping[int, accounting.Counted]) -> accounting.Account:
    """Of looks two seconds apart."""
    found = None
    for number, family in enumerate(looks):
        at = 10.0 + 2 * number
        found = accounting.account(SHELL, {pid: each._replace(at=at) for pid, each in family.items()}, found)
    assert found is not None
    return found


def test_first_look_knows_what_was_used_but_no_rate() -> None:
    found = account({SHELL: counted(1.0, 5.0, read=7, written=8), CHILD: counted(2.0, parent=SHELL)})
    assert (found.cpu, found.read, found.written) == (8.0, 7, 8)
    assert (found.cpu_percent, found.interval) == (None, None)


@pytest.mark.parametrize(
    ("before", "after", "used"),
    [
        ({SHELL: counted(1.0)}, {SHELL: counted(1.5)}, 0.5),
        # a child came, and stays
        ({SHELL: counted(1.0)}, {SHELL: counted(1.0), CHILD: counted(0.7, parent=SHELL)}, 0.7),
        # children came and went in between
        ({SHELL: counted(1.0)}, {SHELL: counted(1.0, 0.9)}, 0.9),
        # a child ended and was waited for: what it had before is not counted again
        (
            {SHELL: counted(1.0), CHILD: counted(3.0, parent=SHELL)},
            {SHELL: counted(1.0, 3.4)},
            0.4,
        ),
        # it has ended, and nobody has waited for it yet
        (
            {SHELL: counted(1.0), CHILD: counted(3.0, parent=SHELL)},
            {SHELL: counted(1.0), CHILD: counted(3.1, parent=SHELL)},
            0.1,
        ),
        # two generations ended: the shell inherits from both
        (
            {
                SHELL: counted(1.0),
                CHILD: counted(1.0, 0.5, parent=SHELL),
                GRANDCHILD: counted(2.0, parent=CHILD),
            },
            {SHELL: counted(1.0, 3.6)},
            0.1,
        ),
        # the shell does not wait (SIGCHLD ignored): nothing is told, nothing is taken off
        (
            {SHELL: counted(1.0), CHILD: counted(3.0, parent=SHELL)},
            {SHELL: counted(1.25)},
            0.25,
        ),
        # one ended unwaited for while another came and went
        (
            {SHELL: counted(1.0), CHILD: counted(3.0, parent=SHELL)},
            {SHELL: counted(1.25, 0.5)},
            0.25,
        ),
        # an orphan, waited for by init
        (
            {SHELL: counted(1.0), CHILD: counted(3.0, parent=1)},
            {SHELL: counted(1.0)},
            0.0,
        ),
        # the number is another's now
        (
            {SHELL: counted(1.0), CHILD: counted(3.0, parent=SHELL)},
            {SHELL: counted(1.0, 3.0), CHILD: counted(0.2, parent=SHELL, started=2.0)},
            0.2,
        ),
        # parents in a circle: numbers that were given again between two looks
        (
            {
                SHELL: counted(1.0),
                CHILD: counted(3.0, parent=GRANDCHILD),
                GRANDCHILD: counted(1.0, parent=CHILD),
            },
            {SHELL: counted(1.5)},
            0.5,
        ),
    ],
)
def test_between_two_looks(
    before: Mapping[int, accounting.Counted], after: Mapping[int, accounting.Counted], used: float
) -> None:
    first, second = account(before), account(before, after)
    assert second.cpu - first.cpu == pytest.approx(used)
    assert second.cpu_percent == pytest.approx(100 * used / 2.0)
    assert second.interval == 2.0


def test_bytes_follow_the_inheritance() -> None:
    before = {
        SHELL: counted(1.0, read=10, written=100),
        CHILD: counted(3.0, parent=SHELL, read=1000, written=2000),
    }
    waited = account(before, {SHELL: counted(1.0, 3.0, read=1011, written=2102)})
    assert (waited.read, waited.written) == (1011, 2102)
    ignored = account(before, {SHELL: counted(1.0, read=13, written=100)})
    assert (ignored.read, ignored.written) == (1013, 2100)


def test_another_first_process_is_another_account() -> None:
    found = account({SHELL: counted(9.0)}, {SHELL: counted(0.5, started=7.0)})
    assert (found.cpu, found.cpu_percent) == (0.5, None)


def test_account_goes_on_without_its_first_process() -> None:
    found = account(
        {SHELL: counted(9.0), CHILD: counted(1.0, parent=SHELL)},
        {CHILD: counted(1.5, parent=1)},
        {CHILD: counted(1.6, parent=1)},
    )
    assert found.cpu == pytest.approx(10.6)
    assert found.started == 1.0


NUMBERS = strategies.floats(0, 100)
FAMILY = strategies.dictionaries(
    strategies.sampled_from([CHILD, GRANDCHILD, LATER]),
    strategies.builds(
        counted,
        NUMBERS,
        NUMBERS,
        parent=strategies.sampled_from([1, SHELL, CHILD, GRANDCHILD, LATER]),
        read=strategies.integers(0, 99),
        started=strategies.sampled_from([1.0, 2.0]),
    ),
)


@hypothesis.given(strategies.lists(FAMILY, min_size=2, max_size=6))
def test_sums_never_fall_whatever_is_counted(looks: list[dict[int, accounting.Counted]]) -> None:
    found = None
    for number, family in enumerate(looks):
        now = {SHELL: counted(1.0), **family}
        before, found = (
            found,
            accounting.account(
                SHELL, {pid: each._replace(at=float(number)) for pid, each in now.items()}, found
            ),
        )
        if before is not None:
            assert (found.cpu, found.read) >= (before.cpu, before.read)
            assert found.cpu >= before.cpu
            assert found.read >= before.read
            assert found.cpu_percent is not None
            assert found.cpu_percent >= 0
