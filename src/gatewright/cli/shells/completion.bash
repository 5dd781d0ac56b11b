# Completion of gatewright for bash: eval "$(gatewright completion bash)"
_gatewright() {
    local program=$1 word
    type -P "$program" > /dev/null 2>&1 || program=gatewright
    COMPREPLY=()
    while IFS= read -r word; do
        if [[ $word == :files ]]; then
            compopt -o default
        else
            COMPREPLY+=("$word")
        fi
    done < <("$program" complete-words bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
}
complete -F _gatewright gatewright
