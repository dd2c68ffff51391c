"""A live server as manifests: what of it is whose, what runs in it, and how that is written down.

Here: pure functions from what was seen to workspaces, and from workspaces to documents.
Not here: looking (`tmux`, `host`), keeping (`store`), bringing back: restoring a snapshot is applying it.
"""
