"""Limits that a person sets on a live pane, whoever made it. They stand on the pane itself, so every daemon finds them."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra.daemon import assemble
from orchestra.model import errors, rules, status
from orchestra.model.frozen import frozen
from orchestra.plan import addressing, limits, record
from orchestra.tmux import observe, quote


@frozen
class Standing:
    place: status.Place
    number: int
    """Of the pane in its session, from 0."""
    applied: rules.Limits | None
    """By its manifest."""
    hand: Mapping[str, object]

    @property
    def effective(self) -> rules.Limits | None:
        return limits.joined(self.applied, self.hand)

    @property
    def name(self) -> str:
        mark = self.place.pane.mark
        return mark.address if mark is not None else self.place.pane.id


def find(assembly: assemble.Assembly, address: str) -> Standing:
    """By what it is called. `UsageError` when there is none."""
    found = addressing.pane(assembly.tmux.observe(), address)
    return _standing(found.place, found.number)


def _standing(place: status.Place, number: int) -> Standing:
    known = record.parse_pane(place.pane.record) if place.pane.mark is not None else None
    return Standing(
        place=place,
        number=number,
        applied=known.pane.limits if known is not None else None,
        hand=limits.by_hand(place.pane.limits),
    )


def change(assembly: assemble.Assembly, standing: Standing, hand: Mapping[str, object]) -> None:
    """`Conflict` when it is another pane by now."""
    pane = standing.place.pane
    after = limits.joined(standing.applied, hand)
    if (
        pane.mark is None
        and after is not None
        and after.on_exceed in (rules.Breach.RESTART, rules.Breach.STOP)
    ):
        raise errors.UsageError(
            f"{standing.name} is not orchestra's, which so cannot {after.on_exceed} it",
            hint="on_exceed=kill ends what runs in it; warn and throttle leave it running",
        )
    text = limits.hand_text(hand)
    # The same process: an id may be another pane's on a server that was started since.
    same = f"#{{&&:#{{==:#{{pane_id}},{pane.id}}},#{{==:#{{pane_pid}},{pane.pid}}}}}"
    words = (
        ("set-option", "-pt", pane.id, observe.LIMITS, text)
        if text
        else ("set-option", "-pqut", pane.id, observe.LIMITS)
    )
    done = ("display-message", "-p", "limited")
    line = quote.command(
        "if-shell", "-F", "-t", pane.id, same, f"{quote.command(*words)} ; {quote.command(*done)}"
    )
    reply = assembly.host.source([line])
    if b"limited" not in reply.out.split(b"\n"):
        raise errors.Conflict(
            f"{standing.name} is not what it was: its process is another one by now",
            hint="look again, then try again",
        )
