#!/bin/bash
# Services in groups, that wait for each other.
set -eu
orchestra=orchestra
field() { python3 -c 'import json, sys; found = json.load(sys.stdin)
for key in sys.argv[1].split("."): found = found[int(key) if key.isdigit() else key]
print(json.dumps(found) if isinstance(found, (list, dict, bool)) else found)' "$1"; }

for service in db api; do
    "$orchestra" session-create "$service" --dir "$PWD" >/dev/null
done
"$orchestra" pane-create api worker >/dev/null
"$orchestra" group-create backend >/dev/null
"$orchestra" group-add backend db >/dev/null
"$orchestra" group-add backend api >/dev/null
"$orchestra" session-depends api db >/dev/null
if "$orchestra" session-depends db api >circle.json; then exit 1; fi
field message <circle.json

"$orchestra" pane-exec db 0 'echo "database ready"; sleep 1000' >/dev/null
"$orchestra" pane-watch-timeout db 0 '^database ready' 30 | field found
"$orchestra" session-wait-healthy api 30 | field waited_for
"$orchestra" pane-exec api worker 'echo FATAL: no disk' >/dev/null
"$orchestra" pane-wait api worker 30 >/dev/null
"$orchestra" session-health api | field health || true

# The database is busy: nobody is given anything.
if "$orchestra" group-exec backend 'touch typed' >busy.json; then exit 1; fi
field message <busy.json | sed 's/(pid [0-9]*)/(pid)/'
"$orchestra" pane-send-keys db 0 C-c >/dev/null
"$orchestra" pane-wait db 0 30 >/dev/null
"$orchestra" group-exec backend 'echo x >> typed' | field panes.1.session
"$orchestra" pane-wait api 0 30 >/dev/null
"$orchestra" pane-wait db 0 30 >/dev/null
wc -l <typed

"$orchestra" sessions-find-pattern 'no disk' | field sessions
"$orchestra" group-list backend | field sessions
"$orchestra" panes-count-global | field count
"$orchestra" group-kill backend | field sessions.0.ended
"$orchestra" group-list | field count
