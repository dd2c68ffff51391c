#!/bin/bash
# A session saved to a file, ended, and brought back; from a file of the bridge's own, too.
set -eu
orchestra=orchestra
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

mkdir -p src
"$orchestra" session-create work --dir "$PWD/src" >/dev/null
"$orchestra" pane-create work editor >/dev/null
"$orchestra" pane-metadata-set work editor owner ann >/dev/null
"$orchestra" session-save work work.yaml >/dev/null
"$orchestra" session-kill work >/dev/null
"$orchestra" session-restore work.yaml >/dev/null
"$orchestra" pane-find work editor | field address
"$orchestra" pane-count work | field count
"$orchestra" pane-metadata-get work editor owner | field value
"$orchestra" pane-exec-timeout work 0 'basename "$PWD"' 30 | field output

cat >old.json <<EOF
{"version": "3.1.0", "session_name": "old", "saved_at": "2025-10-22T10:30:00Z", "layout": {"window_layout": "tiled"},
 "panes": [{"pane_id": 0, "label": "server", "working_dir": "$PWD/src", "command": "bash", "metadata": {"tier": "web"}},
           {"pane_id": 1, "label": "logs", "working_dir": "$PWD", "command": "bash", "metadata": {}}],
 "metadata": {"group": "backend", "tags": []}}
EOF
"$orchestra" session-restore old.json >/dev/null
"$orchestra" pane-count old | field count
"$orchestra" pane-metadata-get old server tier | field value
"$orchestra" pane-exec-timeout old server 'basename "$PWD"' 30 | field output
"$orchestra" session-kill old | field status
"$orchestra" session-restore missing.json >missing.out && exit 1
field status <missing.out
