"""From something that happens to what a rule has done about it, at least once."""
