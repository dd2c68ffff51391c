"""HTTP: requests into calls, events into streams. It decides nothing, and knows neither tmux nor SQL: `control.py` is all it asks for."""
