"""Texts in, specs or diagnostics out."""
