"""`orchestra label`: what is written on a live pane, free for anyone's use."""

from __future__ import annotations

import click

from orchestra.cli import options, output, suggest
from orchestra.cli.by_hand import meaning
from orchestra.model import errors, names

LONGEST = 1024
"""Characters of a value."""
TRIES = 20


@click.command("label", context_settings={"ignore_unknown_options": True})
@meaning.address
@click.argument("changes", metavar="[KEY=VALUE | KEY- | KEY]…", nargs=-1, shell_complete=suggest.labels)
@options.common
def command(common: options.Common, address: str, changes: tuple[str, ...]) -> int:
    """Put labels on a live pane, take them off (KEY-), or print them (KEY, or nothing). They stand on the pane, in tmux, and go with it.

    Labels that a manifest declares are not changed here; where both have one, that of the hand counts. Also orchestra pane label.

    \b
    Examples:
      orchestra label api/server owner=ann ticket=142
      orchestra label api/server ticket-
      orchestra label api/server owner
    """
    sets, takes, gets = _parsed(changes)
    assembly = common.assembly()
    for _ in range(TRIES):
        meant = assembly.hands.find(meaning.finding(address))
        before = dict(meant.place.pane.labels)
        after = {**{key: value for key, value in before.items() if key not in takes}, **sets}
        if after == before or assembly.keyboard.label(meant, after):
            break
    else:
        raise errors.Conflict(f"{address} is labelled all the time by others", hint="try again")
    from orchestra.cli.by_hand import look

    every = {**look.labels(meant), **after} if not takes else {**look.declared(meant), **after}
    missing = [key for key in gets if key not in every]
    if missing:
        import difflib  # only a slip pays for it

        near = difflib.get_close_matches(missing[0], every, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has: {', '.join(every) or 'none'}"
        raise errors.ActionFailed(f"{meant.address} has no label {missing[0]}", hint=hint)
    shown = {key: every[key] for key in gets} if gets else every
    text = list(shown.values()) if gets else [f"{key}={value}" for key, value in sorted(shown.items())]
    body: dict[str, object] = {"labels": shown}
    if len(gets) == 1:
        body = {"key": gets[0], "value": shown[gets[0]]}
    quiet = sets or takes
    return meaning.tell(
        common, "label", body, [] if quiet else [output.one_line(line) for line in text], meant=meant
    )


def _parsed(changes: tuple[str, ...]) -> tuple[dict[str, str], set[str], list[str]]:
    sets: dict[str, str] = {}
    takes: set[str] = set()
    gets: list[str] = []
    for each in changes:
        key, sign, value = each.partition("=")
        taken = not sign and key.endswith("-")
        key = key.removesuffix("-") if taken else key
        if not names.LABEL.match(key):
            raise errors.UsageError(f"{key!r} cannot be a label's name", hint="letters, digits and -_./")
        if len(value) > LONGEST or not value.isprintable():
            raise errors.UsageError(f"the value of {key} must be one line of at most {LONGEST} characters")
        if sign:
            sets[key] = value
        elif taken:
            takes.add(key)
        else:
            gets.append(key)
    if gets and (sets or takes):
        raise errors.UsageError("either change labels (KEY=VALUE, KEY-) or print them (KEY)")
    return sets, takes, gets
