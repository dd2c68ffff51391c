"""Infrastructure as code for tmux: a manifest declares a workspace; orchestra plans, applies and keeps it.

Imports point down: cli, daemon, api, engine, plan, then manifest, graph, tmux and host side by side, then
model; import-linter fails the build otherwise. Each package's own docstring says what belongs in it.
"""
