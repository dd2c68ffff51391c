"""The journal: every event and a little state, in one SQLite file that outlives the daemon.

Here: who may write it (one thread), what a committed event is, how the file is read, kept small, judged and repaired.
Not here: what events mean, when to keep or drop them, and anything that waits in a loop of its own.
"""
