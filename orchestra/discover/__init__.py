"""From what people have already to a manifest: other tools' files (`kinds.py`, a file a format), and projects (`project/`).

Reads the files a source names, runs nothing that stands in them, and never drops anything without a warning: every format lists the keys
it knows and what becomes of each, and a key that is not listed is told. Knows our language only as the plain words it writes.
"""
