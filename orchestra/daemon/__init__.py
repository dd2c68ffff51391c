"""The process that lives on: `assemble.py` names the concrete classes, `lifetime.py` owns every task.

Here: putting the parts together, signals, the lock, start and stop.
Not here: rules. Which pane restarts when is the engine's and the plan's to say.
"""
