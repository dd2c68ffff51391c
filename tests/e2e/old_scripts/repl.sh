#!/bin/bash
# A Python prompt, driven by text and keys.
set -eu
orchestra=orchestra
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

"$orchestra" session-create repl >/dev/null
"$orchestra" pane-exec repl 0 'PYTHON_BASIC_REPL=1 python3 -q' >/dev/null
"$orchestra" pane-watch-timeout repl 0 '>>>' 30 >/dev/null
"$orchestra" pane-send-stdin repl 0 'def twice(x): return "-n; $HOME " + x * 2' >/dev/null
"$orchestra" pane-send-keys repl 0 Enter Enter >/dev/null
"$orchestra" pane-send-stdin repl 0 'print(twice("ab"))' >/dev/null
"$orchestra" pane-send-keys repl 0 Enter >/dev/null
"$orchestra" pane-watch-timeout repl 0 '^-n; \$HOME abab' 30 | field line
"$orchestra" pane-has-pattern repl 0 'abab$' 20 | field found
"$orchestra" pane-metadata-set repl 0 kind python >/dev/null
"$orchestra" pane-metadata-get repl 0 kind | field value
"$orchestra" pane-status repl 0 | field state
"$orchestra" pane-send-keys repl 0 C-d >/dev/null
"$orchestra" pane-wait repl 0 30 | field state
"$orchestra" pane-capture repl 0 50 >shown.json
grep -c 'abab' shown.json
"$orchestra" pane-kill repl 0 | field status
