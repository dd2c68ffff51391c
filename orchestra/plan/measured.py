"""Which panes are measured, what they are called, and which of them a person means. Pure.

All panes of the server are, not only those of a manifest.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence

from orchestra.model import errors, metrics, names, status
from orchestra.plan import overview

Groups = Callable[[str], Mapping[str, Collection[str]]]
"""A workspace's groups: `@name` → addresses of panes."""


def panes(server: status.Server) -> tuple[metrics.Pane, ...]:
    """In tmux's order, each once."""
    ours = {pane.id: pane for each in overview.workspaces(server) for pane in each.panes}
    found: list[metrics.Pane] = []
    keys: set[str] = set()
    seen: set[str] = set()
    for session in server.sessions:
        number = -1
        for window in session.windows:
            for pane in window.panes:
                number += 1
                if pane.id in seen:
                    continue
                seen.add(pane.id)
                mark, known = pane.mark, ours.get(pane.id)
                called_by = key(server, pane)
                if called_by in keys:  # a mark that somebody copied
                    called_by = _by_id(server, pane)
                keys.add(called_by)
                called = names.given(session.name)
                found.append(
                    metrics.Pane(
                        id=pane.id,
                        key=called_by,
                        workspace=mark.workspace if mark is not None else "",
                        session=names.session_of(mark.address) if mark is not None else called,
                        tmux_session=called,
                        window=window.mark.address if window.mark is not None else f"{called}/{window.name}",
                        address=mark.address if mark is not None else f"{called}/{number}",
                        pid=0 if pane.dead else pane.pid,
                        condition=_condition(pane, known),
                        detail=known.detail if known is not None else "",
                    )
                )
    return tuple(found)


def key(server: status.Server, pane: status.Pane) -> str:
    """Its uid when it is ours; else its id, which begins again with the next server."""
    return pane.mark.uid if pane.mark is not None else _by_id(server, pane)


def _by_id(server: status.Server, pane: status.Pane) -> str:
    return f"{server.epoch}{pane.id}"


def _condition(pane: status.Pane, known: overview.Pane | None) -> str:
    if known is not None:
        return str(known.condition)
    return str(overview.Condition.ENDED if pane.dead else overview.Condition.RUNNING)


def chosen(every: Sequence[metrics.Pane], words: Sequence[str], groups: Groups) -> tuple[metrics.Pane, ...]:
    """By pane or window address, session, workspace, `@group`, `@all`, or tmux's `%id`. `UsageError` when a word means nothing."""
    found: dict[str, metrics.Pane] = {}
    for word in words:
        meant = [pane for pane in every if _means(word, pane, groups)]
        if not meant and word != "@all":
            raise _unknown(every, word)
        found.update((pane.id, pane) for pane in meant)
    return tuple(pane for pane in every if pane.id in found)


def _means(word: str, pane: metrics.Pane, groups: Groups) -> bool:
    if word in ("@all", pane.address, pane.session, pane.tmux_session, pane.window, pane.id):
        return True
    if not pane.workspace:
        return False
    return word == pane.workspace or (
        word.startswith("@") and pane.address in groups(pane.workspace).get(word, ())
    )


def _unknown(every: Sequence[metrics.Pane], word: str) -> errors.UsageError:
    known = list(
        dict.fromkeys(text for pane in every for text in (pane.address, pane.session, pane.workspace))
    )
    near = difflib.get_close_matches(word, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "orchestra metrics @all shows what there is"
    return errors.UsageError(f"there is no {word} on this tmux server", hint=hint)
