"""The moving parts, through Protocols (`ports.py`): level-triggered, crash-only.

Here: `hear` says what happened, `react` and `trigger` decide what is to follow, `apply` does it.
Not here: tmux, SQL, subprocess or sockets. Adapters live below; the daemon's `assemble.py` hands them in.
"""
