"""What outlives a process: the journal, in SQLite (the only room that knows SQL), snapshots in directories of their own, and the texts
of manifests as they were applied. Whole or not there at all; damage is told, never believed.
"""
