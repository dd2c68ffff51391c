"""Edits of a manifest's text that leave every other byte as the person wrote it.

Here is only how a text is changed: where things stand in it, what is spliced in, how a new piece is written. What is to be
changed is decided in `manifest/weave.py`.
"""
