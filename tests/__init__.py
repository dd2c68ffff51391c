"""Tests mirror the source, and are data where they can be.

`unit` mirrors orchestra/ file for file; `golden` holds plan cases as folders; `tmux` runs a real tmux, one
server a test; `e2e` runs the CLI, the daemon and every file of manifests/; `support` holds the fakes.
"""
