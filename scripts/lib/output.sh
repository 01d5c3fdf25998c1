# How the scripts talk: one line per long step, silence otherwise, and on failure the log and its tail.
#
# Sourced, never run. Progress goes to stderr, so that the stdout of a script is only its result.

log_directory="target/logs"

# Says one line to the person at the terminal.
say() {
    printf '%s\n' "$*" >&2
}

# Ends the script with a message and, as further arguments, the lines that say what to do about it.
fail() {
    say "error: $1"
    shift
    local line
    for line in "$@"; do
        say "  $line"
    done
    exit 1
}

# Runs a command with its output in a log file, and says how long it has been going while it does. A step that is
# done within the second, because nothing was left to do, says nothing.
#
#   run_step NAME "what is being done (how long it usually takes)" COMMAND [ARGUMENT...]
run_step() {
    local name=$1 title=$2 log="$log_directory/$1.log" started=$SECONDS status=0 traps
    shift 2
    mkdir -p "$log_directory"
    traps=$(trap -p INT TERM)
    # A process group of its own, so that Ctrl-C can end all of it: cargo starts compilers, which start linkers.
    set -m
    "$@" >"$log" 2>&1 </dev/null &
    local process=$!
    set +m
    trap 'stop_step "$process"' INT TERM
    report_progress "$process" "$title"
    wait "$process" || status=$?
    trap - INT TERM
    eval "$traps"
    if ((status != 0)); then
        say "--- the last lines of $log"
        tail -n 40 "$log" >&2
        say "---"
        fail "$name failed with status $status after $((SECONDS - started)) s" "the full output is in $log"
    fi
}

stop_step() {
    kill -- "-$1" 2>/dev/null || true
    exit 130
}

# Says what is being done, then how long it has been going: in place on a terminal, every half minute in a log.
report_progress() {
    local process=$1 title=$2 fifths=0
    while kill -0 "$process" 2>/dev/null; do
        sleep 0.2
        fifths=$((fifths + 1))
        if ((fifths == 5)); then
            say "$title"
        elif ((fifths > 10)) && [[ -t 2 ]]; then
            printf '\r  %s s ' $((fifths / 5)) >&2
        elif ((fifths % 150 == 0)); then
            say "  still going after $((fifths / 5)) s"
        fi
    done
    if [[ -t 2 ]]; then
        printf '\r\033[K' >&2
    fi
}
