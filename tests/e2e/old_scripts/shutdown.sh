#!/bin/bash
# C-c, a wait, and SIGKILL for what does not listen.
set -eu
orchestra=orchestra
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

stop() {
    "$orchestra" pane-send-keys app "$1" C-c >/dev/null
    if "$orchestra" pane-wait app "$1" 1 >/dev/null; then
        echo "$1: ended by C-c"
    else
        "$orchestra" pane-signal app "$1" SIGKILL | field signal
        "$orchestra" pane-wait app "$1" 30 | field exit_code
    fi
}

"$orchestra" session-create app >/dev/null
"$orchestra" pane-create-with-layout app deaf main-vertical >/dev/null
"$orchestra" pane-exec app 0 'sleep 1000' >/dev/null
"$orchestra" pane-exec app deaf "sh -c 'trap \"\" INT; while :; do sleep 1; done'" >/dev/null
for pane in 0 deaf; do
    until [[ $("$orchestra" pane-is-running app $pane | field running) == True ]]; do :; done
    stop $pane
done
"$orchestra" pane-status app deaf | field state
# Nothing runs: the shell is not killed by a script that comes too late.
"$orchestra" pane-signal app deaf SIGKILL >late.json && exit 1
field message <late.json | sed 's/(pid [0-9]*)/(pid)/; s/,.*bash/, bash/'
"$orchestra" pane-exec-timeout app 0 'sleep 1000' 1 >timeout.json && exit 1
field stopped_by <timeout.json
"$orchestra" pane-exec-timeout app 0 'echo done; exit_with 3' 30 >ended.json || [[ $? == 127 ]]
field exit_code <ended.json
"$orchestra" session-kill app | field status
"$orchestra" session-list | field count
