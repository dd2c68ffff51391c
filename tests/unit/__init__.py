"""Mirrors orchestra/ file for file: tables of cases, no tmux, no waiting."""
