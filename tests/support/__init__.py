"""Fakes that pass the same contract tests as the real adapters, and what several kinds of test share."""
