# shellcheck shell=bash
# Tells, in bash 4.4 or newer, when each typed command starts and ends: marks for orchestra/tmux/marks.py, which the terminal ignores.
#
# A login shell has no --rcfile. One in POSIX mode reads $ENV and nothing else: so it is started that way, and this file, first of all,
# leaves that mode and reads what bash would have read. host/shell.py starts it.
#
# Nothing here is a simple command of the interactive shell: the user's DEBUG trap would see it, and PIPESTATUS, $_ and $? change.
# PS0 is expanded when a line was read: there, arithmetic counts, and a substitution (hence the fork) tells the text. PROMPT_COMMAND has a
# subshell. Errors and traces (set -x) go to /dev/null. The functions stand before the user's files, whose aliases would get into them.

if [[ -o posix ]]; then
    set +o posix
    shopt -u inherit_errexit 2>/dev/null
    [[ ${HISTFILE-} != "${HOME-}/.sh_history" ]] || HISTFILE=$HOME/.bash_history
    unset ENV
    if [[ -n ${ORCHESTRA_SHELL_WAS+x} ]]; then
        export ENV=$ORCHESTRA_SHELL_WAS
    fi
fi
unset __orchestra_token __orchestra_file __orchestra_number __orchestra_history __orchestra_past
__orchestra_token=$ORCHESTRA_SHELL_TOKEN __orchestra_file=${ORCHESTRA_SHELL_FILE-} __orchestra_number=0 __orchestra_history=-1
[[ -z ${ORCHESTRA_SHELL_HISTORY-} ]] || __orchestra_past=$ORCHESTRA_SHELL_HISTORY
unset ORCHESTRA_SHELL_TOKEN ORCHESTRA_SHELL_FILE ORCHESTRA_SHELL_WAS ORCHESTRA_SHELL_HISTORY

# NUMBER HISTORY-NUMBER PREVIOUS; 3 is the shell's own 2. `again`, when the history has not grown: the line was left out (a space before
# it, HISTIGNORE), or is the same as the one before; which of them, the reader sees by what was echoed.
__orchestra_start() {
    [[ -t 3 ]] || return 0
    builtin local LC_ALL=C text verb=again byte code
    text=$(HISTTIMEFORMAT='' builtin history 1)
    text=${text#"${text%%[! ]*}"}
    text=${text#"${text%%[!0-9]*}"}
    text=${text:2:4096}
    text=${text//'%'/%25}
    if [[ $text == *[[:cntrl:]]* ]]; then
        for code in {0,1}{{0..9},{a..f}} 7f; do
            [[ $code != 00 ]] || continue
            builtin printf -v byte "\\x$code"
            text=${text//"$byte"/%$code}
        done
    fi
    if (($3 < 0)); then
        # The first: only `history -p` knows, which then takes it out, here.
        byte='\!'
        code=${byte@P}
        builtin history -p x >/dev/null
        ((code > 1 && ${byte@P} == code)) || verb=start
    elif (($2 > $3)); then
        verb=start
    fi
    builtin printf '\e]7717;%s;%s;%s;%s\a' "$__orchestra_token" "$verb" "$1" "$text"
}

# STATUS [keep]
__orchestra_end() {
    [[ -z $__orchestra_file ]] || builtin printf '%s %s\n' "$__orchestra_number" "$1" >|"$__orchestra_file"
    [[ ! -t 1 ]] || builtin printf '\e]7717;%s;end;%s;%s\a' "$__orchestra_token" "$__orchestra_number" "$1"
    builtin return $((${2:+$1} + 0))
}

# Before the first prompt, once: what was typed here before stands behind what HISTFILE has, which bash reads after the user's files.
# `-a` to nowhere: it is not this session's, and so is not written into HISTFILE when the shell ends. The only commands of ours that run
# in the interactive shell itself, and only where a snapshot came back.
__orchestra_remember() {
    builtin local code=$? line text='' place
    if [[ -o history && -r $__orchestra_past ]]; then
        while IFS='' builtin read -r line || [[ -n $line ]]; do
            if [[ $line == *\\ ]]; then # the newline after it is the command's
                text+=${line%\\}$'\n'
                continue
            fi
            text+=$line
            [[ ${text//[$'\t\n']/} == *[[:cntrl:]]* ]] || builtin history -s -- "$text"
            text=''
        done <"$__orchestra_past"
        builtin history -a /dev/null
    fi
    for place in "${!PROMPT_COMMAND[@]}"; do
        PROMPT_COMMAND[place]=${PROMPT_COMMAND[place]/"$__orchestra_first"/}
        [[ -n ${PROMPT_COMMAND[place]} ]] || builtin unset "PROMPT_COMMAND[$place]"
    done
    PROMPT_COMMAND=("${PROMPT_COMMAND[@]}")
    builtin unset __orchestra_past __orchestra_first
    builtin unset -f __orchestra_remember
    builtin return "$code"
}

# STATUS of the last of the user's files; that is what their first prompt shows.
__orchestra_install() {
    builtin local own='({ __orchestra_end "$?"; } 2>/dev/null)' version=$((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1]))
    ((version >= 404)) || builtin return "$1"
    if builtin shopt -q promptvars; then
        # First: the reader looks at the echo, the line before. shellcheck disable=SC2016
        PS0='${__orchestra_number:$((__orchestra_number+=1,0)):0}$({ __orchestra_start "$__orchestra_number" \! "$__orchestra_history"; } 3>&2 2>/dev/null)${__orchestra_number:$((__orchestra_history=\!,0)):0}'${PS0-}
    fi
    # shellcheck disable=SC2128,SC2178
    if [[ -z ${PROMPT_COMMAND[*]-} ]]; then
        PROMPT_COMMAND=$own
    elif ((version >= 501)); then
        PROMPT_COMMAND=("$own" "${PROMPT_COMMAND[@]}")
    else
        PROMPT_COMMAND=${own/'"$?"'/'"$?" keep'}$'\n'$PROMPT_COMMAND
    fi
    if [[ -n ${__orchestra_past-} ]]; then
        __orchestra_first='{ __orchestra_remember; } >/dev/null 2>&1'
        if ((version >= 501)); then
            PROMPT_COMMAND=("$__orchestra_first" "${PROMPT_COMMAND[@]}")
        else
            __orchestra_first+=$'\n'
            PROMPT_COMMAND=$__orchestra_first$PROMPT_COMMAND
        fi
    fi
    builtin return "$1"
}

if shopt -q login_shell; then
    [[ ! -r /etc/profile ]] || builtin source /etc/profile
    if [[ -r ~/.bash_profile ]]; then
        builtin source ~/.bash_profile
    elif [[ -r ~/.bash_login ]]; then
        builtin source ~/.bash_login
    elif [[ -r ~/.profile ]]; then
        builtin source ~/.profile
    fi
elif [[ -r ~/.bashrc ]]; then # and bash has read the system's
    builtin source ~/.bashrc
fi

# In braces, because a DEBUG trap sees this one.
{ __orchestra_install "$?" || builtin return "$?"; } >/dev/null 2>&1
