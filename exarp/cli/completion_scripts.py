"""The scripts by which shells complete exarp's command line.

Knows how a shell asks (click answers, with a line ``TYPE,VALUE`` or three lines for each offer) and how what is offered becomes
words of its language. Does not know what is offered.
"""

from __future__ import annotations

# Bash inserts what is offered as it is: it must be quoted as the word was begun. It takes words apart at characters such as ":"
# and "=", and inserts only what follows the last of them; "@" stays with what follows (readline's rl_special_prefixes). Before
# 4.4 there is no nosort, before 4 no compopt.
_BASH = r"""_exarp_completion() {
    local IFS=$' \t\n' type value rest=${COMP_LINE-} bare i kept= sign
    local -a words=()
    COMPREPLY=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        bare=${rest#"${rest%%[![:space:]]*}"}
        if [[ $i -gt 0 && -n ${COMP_LINE-} && -n $rest && $bare == "$rest" ]]; then
            words[${#words[@]}-1]+=${COMP_WORDS[i]}
        else
            words+=("${COMP_WORDS[i]}")
        fi
        rest=${bare#"${COMP_WORDS[i]}"}
    done
    local word=${words[${#words[@]}-1]}
    for sign in : = @; do
        if [[ $COMP_WORDBREAKS == *$sign* && $word == *$sign* && ${#word} -gt ${#kept} ]]; then
            value=${word%"${word##*"$sign"}"}
            [ $sign = @ ] && value=${value%@}
            [ ${#value} -gt ${#kept} ] && kept=$value
        fi
    done
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
            plain)
                case $word in
                    \'*) value=${value//\'/\'\\\'\'} ;;
                    \"*)
                        value=${value//\\/\\\\}
                        value=${value//\"/\\\"}
                        value=${value//\$/\\\$}
                        value=${value//\`/\\\`}
                        ;;
                    *)
                        printf -v value %q "$value"
                        [ -n "${COMP_LINE-}" ] && value=${value#"$kept"}
                        ;;
                esac
                [[ $value == *= ]] && compopt -o nospace 2>/dev/null
                COMPREPLY+=("$value")
                ;;
        esac
    done < <(env COMP_WORDS="${words[*]}" COMP_CWORD="$((${#words[@]} - 1))" _EXARP_COMPLETE=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F _exarp_completion exarp 2>/dev/null || complete -F _exarp_completion exarp
"""

# Where compinit has not run, it may still do so, and would forget what was registered before: the first prompt sees.
_ZSH = r"""#compdef exarp

_exarp_completion() {
    local -a plain open described response
    local type key descr option=
    (( $+commands[exarp] )) || return 1
    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) _EXARP_COMPLETE=zsh_complete exarp 2>/dev/null)}")
    [[ ${words[CURRENT]} == --*=* ]] && option="${words[CURRENT]%%=*}="
    for type key descr in $response; do
        case $type in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            plain)
                key="$option$key"
                if [[ $key == *= ]]; then open+=("$key")
                elif [[ $descr == _ ]]; then plain+=("$key")
                else described+=("$key:$descr"); fi
                ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#plain )) && compadd -U -V unsorted -a plain
    (( $#open )) && compadd -U -S '' -V unsorted -a open
}

_exarp_register() {
    add-zsh-hook -d precmd _exarp_register
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
    compdef _exarp_completion exarp
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _exarp_completion "$@"
elif (( $+functions[compdef] )); then
    compdef _exarp_completion exarp
else
    autoload -Uz add-zsh-hook && add-zsh-hook precmd _exarp_register
fi
"""


def script(shell: str) -> str:
    """The script for ``bash``, ``zsh`` or ``fish``."""
    return {"bash": _BASH, "zsh": _ZSH}.get(shell) or _click_s_own(shell)


def _click_s_own(shell: str) -> str:
    from click.shell_completion import get_completion_class

    from exarp.cli.entry import group

    found = get_completion_class(shell)
    assert found is not None, "click knows it"
    return found(group, {}, "exarp", "_EXARP_COMPLETE").source()
