#!/bin/bash
# What panes use, again and again; and a limit for one of them.
set -eu
orchestra=orchestra
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

"$orchestra" session-create busy >/dev/null
"$orchestra" pane-create busy worker >/dev/null
"$orchestra" pane-exec busy worker 'sh -c "while :; do :; done"' >/dev/null
for _ in 1 2; do
    "$orchestra" pane-metrics busy worker >sample.json
    python3 -c 'import json, sys; found = json.load(open("sample.json"))
print(found["pane_id"], found["cpu_percent"] > 1, found["memory_mb"] > 0, found["process_count"] >= 2)'
done
"$orchestra" session-metrics busy | field pane_count
"$orchestra" pane-get-limits busy worker | field status
"$orchestra" pane-metrics busy nobody >missing.json && exit 1
field status <missing.json
"$orchestra" session-kill busy | field status
