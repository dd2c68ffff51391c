"""What keeps a manifest true: starting again, health, limits, schedules, watching files, collecting."""
