"""The vocabulary: names, spec, status, plan, action, event, diagnostic, errors, settings.

Here: frozen dataclasses, enums, and pure functions of them; the standard library only.
Not here: I/O, clocks, logging, and whatever knows YAML, tmux or a graph library.
"""
