"""Which limits hold: those applied, and before them those set by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestra.model import rules, spec, status
from orchestra.plan import limits, record

APPLIED = rules.Limits(memory=100, cpu=50.0, on_exceed=rules.Breach.STOP)


def pane(applied: rules.Limits | None, hand: str = "") -> status.Pane:
    text = record.pane_text(spec.Pane(address="s/p", dir="/", limits=applied), {})
    return status.Pane(id="%1", index=0, pid=5, dead=False, record=text, limits=hand)


def test_by_hand_goes_before_what_was_applied_limit_by_limit() -> None:
    found = limits.effective(pane(APPLIED, '{"memory": 300, "time": 5.0, "on_exceed": "kill"}'))
    assert found == rules.Limits(memory=300, cpu=50.0, time=timedelta(seconds=5), on_exceed=rules.Breach.KILL)


def test_null_lifts_a_limit_and_without_any_there_are_none() -> None:
    assert limits.effective(pane(APPLIED, '{"memory": null}')) == rules.Limits(
        cpu=50.0, on_exceed=rules.Breach.STOP
    )
    assert limits.effective(pane(APPLIED, '{"memory": null, "cpu": null}')) is None
    assert limits.effective(pane(None)) is None


def test_a_pane_that_is_nobodys_has_those_set_by_hand() -> None:
    bare = status.Pane(id="%1", index=0, pid=5, dead=False, limits='{"processes": 3}')
    assert limits.effective(bare) == rules.Limits(processes=3)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '{"memory": "much"}', '{"on_exceed": "explode"}', '{"memory": [1]}', "[" * 5000],
)
def test_what_somebody_else_wrote_there_is_not_heeded(text: str) -> None:
    assert limits.by_hand(text) == {}
    assert limits.effective(pane(APPLIED, text)) == APPLIED


def test_what_is_written_is_what_is_read() -> None:
    hand = {"memory": None, "cpu": 50.0, "on_exceed": "kill"}
    assert limits.by_hand(limits.hand_text(hand)) == hand
    assert limits.hand_text({}) == ""
