"""The only room that talks to tmux: one reading of a server, and actions carried out on it.

Here: how a server is chosen, quoting, tmux's formats and user options, the commands that make, change and remove objects.
Not here: decisions. What is wanted, and whether to change anything, is settled before an action arrives.
"""
