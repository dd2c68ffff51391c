# Tells when each typed command starts and ends: marks for orchestra/tmux/marks.py, which the terminal ignores.
# Read after the user's files, by `fish --init-command`.

set -g __orchestra_token $ORCHESTRA_SHELL_TOKEN
set -g __orchestra_file $ORCHESTRA_SHELL_FILE
set -e ORCHESTRA_SHELL_TOKEN
set -e ORCHESTRA_SHELL_FILE
set -g __orchestra_past $ORCHESTRA_SHELL_HISTORY
set -e ORCHESTRA_SHELL_HISTORY
set -g __orchestra_number 0
test -n "$__orchestra_file"; and echo 0 0 >$__orchestra_file 2>/dev/null

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
    test -n "$__orchestra_file"; and echo $__orchestra_number $code >$__orchestra_file 2>/dev/null
    test -t 1; and printf '\e]7717;%s;end;%d;%d\a' $__orchestra_token $__orchestra_number $code
end

# fish has one history for all of its shells and keeps every line at once: what it does not know yet is added, as it would write it.
function __orchestra_remember --argument-names past
    set -l name fish
    set -q fish_history; and set name $fish_history
    test "$name" = default; and set name fish
    test -n "$name" -a -z "$fish_private_mode"; or return
    set -l data ~/.local/share
    test -n "$XDG_DATA_HOME"; and set data $XDG_DATA_HOME
    test -d $data/fish; or return
    set -l text
    set -l added
    while read -l line
        set -a text $line
        string match -qr '\\\\$' -- $line; and continue # the newline after it is the command's
        set -l command (string replace -r '\\\\$' '' -- $text[1..-2]) $text[-1]
        set text
        string match -qr '[\x00-\x08\x0b-\x1f\x7f]' -- $command; and continue
        set -l known (builtin history search --exact --case-sensitive --max=1 -- (string join \n -- $command | string collect))
        test -n "$known"; and continue
        set -a added (string join '\n' -- (string replace -a '\\' '\\\\' -- $command))
    end <$past
    test -n "$added"; or return
    set -l now (date +%s)
    for command in $added
        echo "- cmd: $command"
        echo "  when: $now"
    end >>$data/fish/"$name"_history
    builtin history merge
end
test -r "$__orchestra_past"; and __orchestra_remember $__orchestra_past 2>/dev/null
functions -e __orchestra_remember
set -e __orchestra_past
