"""Exit codes, the same for every command."""

OK = 0
"""Done; for `diff`: no differences."""
ERROR = 1
DIFFERENCES = 2
"""`diff` only."""
USAGE = 64
"""The command line itself is wrong (EX_USAGE of sysexits.h)."""
INTERRUPTED = 130
"""Ctrl-C: 128 and SIGINT."""
