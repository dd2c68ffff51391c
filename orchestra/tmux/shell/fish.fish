# Tells when each typed command starts and ends: marks for orchestra/tmux/marks.py, which the terminal ignores.
# Read after the user's files, by `fish --init-command`.

set -g __orchestra_token $ORCHESTRA_SHELL_TOKEN
set -e ORCHESTRA_SHELL_TOKEN
set -g __orchestra_number 0

function __orchestra_start --on-event fish_preexec
    set -l text $argv[1]
    # What the history leaves out for the space before it has no text here either.
    string match -q ' *' -- $text; and set text ''
    set -g __orchestra_number (math $__orchestra_number + 1)
    set text (string escape --style=url -- $text | string sub --length 12288)
    test -t 1; and printf '\e]7717;%s;start;%d;%s\a' $__orchestra_token $__orchestra_number "$text"
end

function __orchestra_end --on-event fish_postexec
    set -l code $status
    test -t 1; and printf '\e]7717;%s;end;%d;%d\a' $__orchestra_token $__orchestra_number $code
end
