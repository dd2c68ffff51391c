"""A directory into a manifest: what lies in a project says how it is developed; and templates for where nothing does.

One file a kind of project, each a pure function over a bounded, read-only view (`folder`). Nothing found is executed, imported or
followed out of the directory: a project is somebody else's text.
"""
