"""Which live window is the one a manifest means."""

from __future__ import annotations

from orchestra.model import names, spec, status
from orchestra.plan import seen


class Windows:
    """Of one session: ours by its mark, ours renamed in the manifest, or one to be adopted. Each is taken once."""

    def __init__(
        self, found: seen.Seen, want: spec.Session, have: status.Session | None, *, adopt: bool
    ) -> None:
        self._seen = found
        self._want = want
        self._have = have
        self._adopt = adopt
        self._here = {window.id for window in have.windows} if have is not None else frozenset()
        self._declared = {names.window(want.name, window.name) for window in want.windows}
        self._taken: set[str] = set()
        self._adoptable = self._pairs() if adopt and have is not None else {}

    def at_home(self, window: status.Window) -> bool:
        return window.id in self._here

    def take(self, want: spec.Window) -> tuple[status.Session | None, status.Window | None, bool]:
        """With the session it stands in, and whether it is adopted."""
        session, window = self._seen.windows.get(names.window(self._want.name, want.name), (None, None))
        adopt = False
        if window is None:
            session, window = self._renamed(want)
        if window is None and want.name in self._adoptable:
            session, window, adopt = self._have, self._adoptable[want.name], True
        if window is not None:
            self._taken.add(window.id)
        return session, window, adopt

    def _renamed(self, want: spec.Window) -> tuple[status.Session | None, status.Window | None]:
        """A window of ours in this session that is declared no more but holds this window's first living pane: the same, renamed."""
        for pane in want.panes:
            place = self._seen.panes.get(pane.address)
            if place is None or place.window.mark is None or place.window.id in self._taken:
                continue
            mark = place.window.mark
            ours = self._seen.ours(mark) and names.session_of(mark.address) == self._want.name
            if ours and mark.address not in self._declared:
                return place.session, place.window
        return None, None

    def _pairs(self) -> dict[str, status.Window]:
        """By name first; else by place, unless that one bears the name of another."""
        assert self._have is not None
        ordered = sorted(self._have.windows, key=lambda each: each.index)
        wanted = {window.shown: window.name for window in self._want.windows}
        pairs: dict[str, status.Window] = {}
        for window in ordered:
            if window.mark is None and window.name in wanted:
                pairs.setdefault(wanted[window.name], window)
        for want, window in zip(self._want.windows, ordered, strict=False):
            if window.mark is None and window.name not in wanted:
                pairs.setdefault(want.name, window)
        return pairs
