"""The machine around tmux: processes, the clock, commands, the network, files.

Here: the one place that reads the time, runs a command, opens a socket or signals a process group.
Not here: tmux, and any judgement of what was measured.
"""
