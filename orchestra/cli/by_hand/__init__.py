"""What is done by hand to panes, sessions and groups, whoever made them: a file for what belongs together.

Not here: the groups of commands themselves (`cli/pane.py`, `session.py`, `group.py`), and how old scripts spell them (`cli/bridge.py`).
"""
