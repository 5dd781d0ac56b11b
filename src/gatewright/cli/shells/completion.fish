# Completion of gatewright for fish: gatewright completion fish | source
function __gatewright_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    type -q $program; or set program gatewright
    set -l found ($program complete-words fish $words[2..-1] "$current" 2> /dev/null)
    if test "$found[1]" = :files
        __fish_complete_path "$current"
    else if test (count $found) -gt 0
        printf '%s\n' $found
    end
end
complete -c gatewright -f -a '(__gatewright_complete)'
