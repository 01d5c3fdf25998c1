#!/bin/sh
# Stops a test server when the last process that uses it has ended, however that ended: every user holds a shared lock
# on the file, and the system takes the locks of the dead away.
#
# Usage: supervise.sh LOCK LINGER HOME
#   LOCK    the file that users lock
#   LINGER  seconds without a user after which the server is stopped
#   HOME    the server's folder: its data directory is HOME/data; all of HOME but LOCK is removed in the end
lock=$1
linger=$2
home=$3

while :; do
    flock --exclusive "$lock" true
    sleep "$linger"
    exec 9>>"$lock"
    # Holding the lock from here on keeps new users waiting until the old server is gone.
    flock --exclusive --nonblock 9 && break
    exec 9>&-
done

# The processes of the server $1 and itself, whose standstill must be ended before they can hear anything.
family() {
    echo "$1"
    for status in /proc/[0-9]*/stat; do
        read -r line 2>/dev/null <"$status" || continue
        set -- "$1" ${line##*) }
        [ "$3" = "$1" ] && echo "${line%% *}"
    done
}

server=$(head -n 1 "$home/data/postmaster.pid" 2>/dev/null)
if [ -n "$server" ] && tr '\0' ' ' 2>/dev/null <"/proc/$server/cmdline" | grep -qF -- "$home/data"; then
    for process in $(family "$server"); do kill -CONT "$process" 2>/dev/null; done
    kill -INT "$server"
    tries=100
    while kill -0 "$server" 2>/dev/null && [ "$tries" -gt 0 ]; do
        sleep 0.1
        tries=$((tries - 1))
    done
    kill -KILL "$server" 2>/dev/null
fi

if [ -e "$home/keep" ]; then
    # A test failed: its data stays until the next failure of the same server.
    rm -rf "$home.kept"
    mkdir "$home.kept" && mv "$home/data" "$home/log" "$home.kept/"
fi
rm -rf "$home/data" "$home/state.json" "$home/log" "$home/keep"
# The folder of a server that only one test used goes with it; that of a shared one keeps its lock file.
[ "$linger" = 0 ] && rm -rf "$home"
exit 0
