"""How long things take, measured on a real tmux: ``make bench``. Not part of the tests."""
