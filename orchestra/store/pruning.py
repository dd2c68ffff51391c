"""Which automatic snapshots may go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from orchestra.store.inventory import Kept

LIVES = 3
"""Of the tmux server, of which the last snapshot stays whatever its age."""


def doomed(ours: Sequence[Kept], *, keep: int, max_age: timedelta, now: datetime) -> tuple[str, ...]:
    """Of automatic ones of one scope, newest first and checked: names of those beyond the newest `keep` sound ones, or older.

    Never the newest sound one of each of the server's last three lives that have one. Damaged ones go by age,
    once a sound one is there: where nothing is sound, it is rather us who cannot read. Those of a newer orchestra stay.
    """
    sound = [each for each in ours if not each.problem]
    if not sound:
        return ()
    lives = list(dict.fromkeys(each.epoch for each in sound))[:LIVES]
    spared = {next(each.name for each in sound if each.epoch == life) for life in lives}
    beyond = {each.name for each in sound[max(keep, 0) :]}
    return tuple(
        each.name
        for each in ours
        if not each.newer and each.name not in spared and (each.name in beyond or now - each.time > max_age)
    )
