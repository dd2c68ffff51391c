"""The commands, one file each; `main.py` has the one error edge, where exceptions become text and exit codes.

Here: arguments, options, and how results look to a person or, with ``-o json``, to a program.
Not here: tmux, SQL, and anything the daemon would have to do a second time.
"""
