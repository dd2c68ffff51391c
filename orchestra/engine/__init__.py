"""The moving parts: execute, reconcile, supervise, and the bus between them.

Here: `ports.py` (the Protocols through which the world is reached) and what works through them;
level-triggered, crash-only.
Not here: tmux, SQL, subprocess or sockets. Adapters live below; the daemon's `assemble.py` hands them in.
"""
