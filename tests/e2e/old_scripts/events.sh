#!/bin/bash
# A script that is told what happens in a session it made.
set -eu
orchestra=orchestra
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
until_lines() { timeout 30 bash -c 'until [[ -s "$1" && $(wc -l <"$1") -ge $2 ]]; do read -rt 0.05 <> <(:) || true; done' - "$@"; }

"$orchestra" session-create dev >/dev/null
"$orchestra" pane-create dev server >/dev/null
"$orchestra" event-subscribe dev pane-exit 'echo "${session}:${pane_id}" >> out' | field status
"$orchestra" event-subscribe dev pattern-match '^ERROR: .*disk' 'echo "$ORCHESTRA_EVENT_SESSION $ORCHESTRA_EVENT_PANE_ID $ORCHESTRA_EVENT_LINE" >> matched' | field session
"$orchestra" event-subscribe dev timeout 1 'echo "${pane_id} is old" >> old' >/dev/null
"$orchestra" event-subscribe dev pane-output 'echo x >> printed' >/dev/null

"$orchestra" pane-exec dev server 'printf "ERROR: %s disk\n" "no \$(touch canary)"' >/dev/null
until_lines matched 1
cat matched
until_lines printed 1
until_lines old 2
sort old
"$orchestra" pane-send-stdin dev server 'exit 3' >/dev/null
"$orchestra" pane-send-keys dev server Enter >/dev/null
until_lines out 1
cat out
ls canary 2>/dev/null || echo "nothing of it was run"
"$orchestra" session-kill dev | field status
"$orchestra" daemon-stop | field status
