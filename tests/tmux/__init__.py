"""A real tmux, one server a test: starting and killing one costs 20 ms."""
