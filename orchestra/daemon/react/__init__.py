"""The daemon's parts: what `engine.react` and `engine.trigger` decide, with the machine behind it."""
