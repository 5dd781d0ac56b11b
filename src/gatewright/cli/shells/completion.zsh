#compdef gatewright
# Completion of gatewright for zsh: eval "$(gatewright completion zsh)", or as a file _gatewright in $fpath
_gatewright() {
    local program=${(Q)words[1]} line
    local -a found
    whence -p -- "$program" > /dev/null || program=gatewright
    for line in "${(@f)$("$program" complete-words zsh "${(@Q)words[2,CURRENT]}" 2> /dev/null)}"; do
        if [[ $line == :files ]]; then
            _files
            return
        elif [[ -n $line ]]; then
            found+=("$line")
        fi
    done
    _describe -V gatewright found
}
if [[ ${funcstack[1]} == _gatewright ]]; then
    _gatewright "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _gatewright gatewright
fi
