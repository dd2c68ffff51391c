"""How the server tells that something changed: hooks that only wake a waiting client of ours, and say nothing else.

A hook forks nothing and knows nothing of us; what changed is read by one whole listing after. The client that waits is an ordinary
one (`wait-for`), not in control mode, so the server is no more fragile than before (docs/decisions/0002-one-shot-clients.md).
"""

from __future__ import annotations

from orchestra.tmux import observe, quote

CHANNEL = "orchestra"
INDEX = 191
"""Our place in each hook's list; a person's own hooks stand at other numbers."""

NAMES = (
    "session-created",
    "session-closed",
    "session-renamed",
    "session-window-changed",
    "client-attached",
    "client-detached",
    "client-session-changed",
    "window-linked",
    "window-unlinked",
    "window-renamed",
    "window-layout-changed",
    "window-pane-changed",
    "pane-died",
    "pane-exited",
    "pane-title-changed",
    "after-split-window",
    "after-new-window",
    "after-pipe-pane",
)
"""Those a version does not have are refused one by one, and the others stand."""

BELL = "alert-bell"

WAIT = ("wait-for", CHANNEL)
WAKE = ("wait-for", "-S", CHANNEL)


def install() -> list[str]:
    wake = quote.command(*WAKE)
    # A window whose bell is seen at once shows no flag in a listing, so bells are counted.
    count = quote.command("set-option", "-wF", observe.BELLS, f"#{{e|+:0#{{{observe.BELLS}}},1}}")
    reactions = {**dict.fromkeys(NAMES, wake), BELL: f"{count} ; {wake}"}
    return [quote.command("set-hook", "-g", f"{name}[{INDEX}]", what) for name, what in reactions.items()]


def remove() -> list[str]:
    return [quote.command("set-hook", "-gu", f"{name}[{INDEX}]") for name in (*NAMES, BELL)]
