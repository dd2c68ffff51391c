# Tells when each typed command starts and ends: marks for orchestra/tmux/marks.py, which the terminal ignores.
#
# ZDOTDIR leads here; it is put back first of all, so zsh reads the rest of the user's files by itself. What runs later is in braces
# with its errors thrown away, for the sake of `setopt xtrace`, and is defined before any alias of the user's.

if [[ -n ${ORCHESTRA_SHELL_WAS+x} ]]; then
    export ZDOTDIR=$ORCHESTRA_SHELL_WAS
else
    unset ZDOTDIR
fi
unset __orchestra_token __orchestra_file __orchestra_number __orchestra_past
typeset -g __orchestra_token=$ORCHESTRA_SHELL_TOKEN __orchestra_file=${ORCHESTRA_SHELL_FILE-} __orchestra_past=${ORCHESTRA_SHELL_HISTORY-}
typeset -gi __orchestra_number=0
unset ORCHESTRA_SHELL_TOKEN ORCHESTRA_SHELL_FILE ORCHESTRA_SHELL_WAS ORCHESTRA_SHELL_HISTORY

__orchestra_preexec() {
    {
        # What the history leaves out for the space before it has no text here either.
        [[ -o histignorespace && ${1-} == ' '* ]] && builtin set -- ''
        builtin emulate -L zsh
        builtin setopt no_multibyte extended_glob
        __orchestra_number+=1
        [[ -t 1 ]] || builtin return 0
        builtin local text=${1[1,4096]} MATCH MBEGIN MEND
        text=${text//\%/%25}
        text=${text//(#m)[[:cntrl:]]/%${(l:2::0:)$(( [##16] #MATCH ))}}
        builtin printf '\e]7717;%s;start;%d;%s\a' "$__orchestra_token" $__orchestra_number "$text"
        builtin return 0
    } 2>/dev/null
}

__orchestra_precmd() {
    {
        builtin local code=$?
        [[ -z $__orchestra_file ]] || builtin print -r -- $__orchestra_number $code >|$__orchestra_file
        [[ ! -t 1 ]] || builtin printf '\e]7717;%s;end;%d;%d\a' "$__orchestra_token" $__orchestra_number $code
        builtin return 0
    } 2>/dev/null
}

# Before the first prompt, once: what was typed here before stands behind what HISTFILE has. It goes through a file in zsh's own form,
# because what zsh has read from one it does not write into HISTFILE.
__orchestra_remember() {
    {
        builtin emulate -L zsh
        precmd_functions=(${precmd_functions:#__orchestra_remember})
        () {
            builtin local line text=
            builtin fc -p "$1" 100000 100000
            while IFS= builtin read -r line || [[ -n $line ]]; do
                if [[ $line == *\\ ]]; then # the newline after it is the command's
                    text+=${line%\\}$'\n'
                    continue
                fi
                text+=$line
                [[ ${text//[$'\t\n']/} == *[[:cntrl:]]* ]] || builtin print -rs -- "$text"
                text=
            done <"$__orchestra_past"
            builtin fc -P # and it is written
            builtin fc -R "$1"
        } =(:)
        builtin unset __orchestra_past
        builtin unfunction __orchestra_remember
        builtin return 0
    } 2>/dev/null
}

typeset -ga precmd_functions preexec_functions
precmd_functions+=(__orchestra_precmd)
[[ ! -r $__orchestra_past ]] || precmd_functions+=(__orchestra_remember)
preexec_functions+=(__orchestra_preexec)

[[ ! -r ${ZDOTDIR-$HOME}/.zshenv ]] || builtin source ${ZDOTDIR-$HOME}/.zshenv
