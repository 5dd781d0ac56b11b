#!/bin/sh
# One step of the set-up: say what it does, run it, and say on the same line how long it took.
# Usage: step.sh "What it does" command [argument ...]
# What the command prints is shown if it fails. On a terminal the seconds are counted meanwhile.
set -eu
text=$1
shift

# hundredths of a second since some moment that stays
now() {
    if read -r up _ 2>/dev/null </proc/uptime; then
        echo "${up%.*}${up#*.}"
    else
        date +%s00
    fi
}

begin=$(now)
output=$(mktemp)
ticker=
# dash leaves by a signal without its EXIT trap: by way of exit it does not
trap '[ -z "$ticker" ] || kill "$ticker" 2>/dev/null || :; rm -f "$output"' EXIT
trap 'echo; exit 130' INT
trap 'echo; exit 1' HUP TERM

printf '%s ... ' "$text"
back=
if [ -t 1 ]; then
    # over the seconds, which have six places, and not to the beginning: the line may be longer than the terminal is wide
    back='\b\b\b\b\b\b'
    printf '%4d s' 0
    (
        seconds=0
        while sleep 1 >/dev/null 2>&1; do
            seconds=$((seconds + 1))
            printf "$back%4d s" "$seconds"
        done
    ) &
    ticker=$!
fi
status=0
"$@" >"$output" 2>&1 </dev/null || status=$?
if [ -n "$ticker" ]; then
    kill "$ticker" 2>/dev/null || :
    wait "$ticker" 2>/dev/null || :
    ticker=
fi
took=$(($(now) - begin))
took="$((took / 100)).$((took / 10 % 10)) s"
if [ "$status" != 0 ]; then
    printf "${back}failed after %s:\n" "$took"
    cat "$output"
    exit "$status"
fi
printf "$back%-${back:+6}s\n" "$took"
