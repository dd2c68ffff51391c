"""Which pane or session a person means: an address, a name somebody gave it, a number, or tmux's own id. Pure.

What is found says also what must still be so when something is done to it: whoever acts lets tmux compare that in the same step, so
that what is renamed, renumbered or replaced between the look and the deed is never hit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from orchestra.model import errors, hand, names, status

_ID = re.compile(r"%\d{1,10}\Z")
_SESSION_ID = re.compile(r"\$\d{1,10}\Z")


def panes(session: status.Session) -> tuple[status.Place, ...]:
    """In tmux's order; a pane of a window that is linked twice once."""
    found: dict[str, status.Place] = {}
    for window in session.windows:
        for pane in window.panes:
            found.setdefault(pane.id, status.Place(session=session, window=window, pane=pane))
    return tuple(found.values())


def every(server: status.Server) -> Iterator[hand.Meant]:
    """Each pane once, with its number in the session that stands first."""
    seen: set[str] = set()
    for session in server.sessions:
        for number, place in enumerate(panes(session)):
            if place.pane.id not in seen:
                seen.add(place.pane.id)
                yield hand.Meant(place=place, epoch=server.epoch, number=number)


def session(server: status.Server, name: str) -> status.Session:
    """By tmux's name, exactly, or by its address in a manifest. `UsageError` with what may be meant."""
    found = _sessions(server, name)
    if not found:
        raise _no_session(server, name)
    return found[0]


def _sessions(server: status.Server, name: str) -> list[status.Session]:
    if _SESSION_ID.match(name):
        return [each for each in server.sessions if each.id == name]
    exact = [each for each in server.sessions if names.given(each.name) == name]
    return exact or [each for each in server.sessions if each.mark is not None and each.mark.address == name]


def pane(server: status.Server, text: str) -> hand.Meant:
    """`session/pane`, `session/window/pane` of a person's names, or `%id`. `UsageError` with what may be meant."""
    if _ID.match(text):
        return by_id(server, text)
    for each in every(server):
        mark = each.place.pane.mark
        if mark is not None and mark.address == text:
            return each
    head, slash, tail = text.rpartition("/")
    if not slash:
        only = _sessions(server, text)
        if only and len(panes(only[0])) == 1:
            return in_session(server, text, "0")
        if only:
            there = ", ".join(_called(only[0]))
            raise errors.UsageError(f"{text} is a session; say which pane of it", hint=f"there are: {there}")
        raise _no_pane(server, text)
    if not _sessions(server, head):
        raise _no_pane(server, text)
    return in_session(server, head, tail)


def in_session(server: status.Server, session_name: str, text: str) -> hand.Meant:
    """A pane of a session, by its name, its address, its number, or its id: the words of old scripts."""
    if _ID.match(text):
        found = by_id(server, text)
        if found.place.session.id not in {each.id for each in _sessions(server, session_name)}:
            raise errors.UsageError(f"{text} is no pane of {session_name}")
        return found
    inside = session(server, session_name)
    places = panes(inside)
    for number, place in enumerate(places):
        mark = place.pane.mark
        own = (mark.address, mark.address.rpartition("/")[2]) if mark is not None else ()
        if text in (place.pane.name, *own) and text:
            return hand.Meant(place=place, epoch=server.epoch, number=number)
    if text.isdecimal() and text.isascii() and len(text) < 6 and int(text) < len(places):
        number = int(text)
        order = tuple(
            each.id for window in inside.windows for each in window.panes
        )  # as tmux counts them, links and all
        return hand.Meant(place=places[number], epoch=server.epoch, number=number, order=order)
    called = _called(inside)
    hint = _near(text, called, f"there are: {', '.join(called)}")
    raise errors.UsageError(f"there is no pane {text} in {names.given(inside.name)}", hint=hint)


def by_id(server: status.Server, id_: str) -> hand.Meant:
    for each in every(server):
        if each.id == id_:
            return hand.Meant(place=each.place, epoch=each.epoch, number=each.number, called=False)
    raise errors.UsageError(
        f"there is no pane {id_} on this tmux server", hint="orchestra pane list shows them"
    )


def selected(server: status.Server, word: str) -> tuple[hand.Meant, ...]:
    """The panes of a session, one pane, or `@all`."""
    if word == "@all":
        return tuple(every(server))
    found = _sessions(server, word)
    if found:
        return tuple(
            hand.Meant(place=place, epoch=server.epoch, number=number)
            for number, place in enumerate(panes(found[0]))
        )
    return (pane(server, word),)


def _called(inside: status.Session) -> list[str]:
    return [
        (
            place.pane.mark.address.rpartition("/")[2]
            if place.pane.mark is not None
            else place.pane.name or str(number)
        )
        for number, place in enumerate(panes(inside))
    ]


def known(server: status.Server) -> Sequence[str]:
    """Every address there is."""
    return [each.address for each in every(server)]


def _no_pane(server: status.Server, text: str) -> errors.UsageError:
    hint = _near(text, known(server), "orchestra pane list shows them")
    return errors.UsageError(f"there is no pane {text} on this tmux server", hint=hint)


def _no_session(server: status.Server, name: str) -> errors.UsageError:
    if not server.running:
        return errors.UsageError(
            f"there is no session {name}: no tmux server runs here", hint="-L and -S choose another server"
        )
    there = [names.given(each.name) for each in server.sessions]
    hint = _near(name, there, f"there are: {', '.join(there)}")
    return errors.UsageError(f"there is no session {name} on this tmux server", hint=hint)


def _near(word: str, there: Sequence[str], otherwise: str) -> str:
    import difflib  # only a slip pays for it

    near = difflib.get_close_matches(word, there, n=1)
    return f"did you mean {near[0]}?" if near else otherwise
