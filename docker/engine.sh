#!/usr/bin/env bash
# Sees to a Docker engine: uses one that answers, or installs and starts one.
#
#   docker/engine.sh start    make sure that an engine answers
#   docker/engine.sh status   say which engine answers; exit 5 where none does
#   docker/engine.sh stop     stop the engine that `start` started, and no other
#
# DOCKER_HOST           the engine to use; where it is set, nothing is installed or started
# JAXRIG_NO_INSTALL=1   never install or start anything, only say what would be needed
# JAXRIG_PYTHON         a Python with the Docker SDK (default: .venv/bin/python, else python3)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${JAXRIG_PYTHON:-$root/.venv/bin/python}
[ -x "$python" ] || python=python3
state=${JAXRIG_ENGINE_STATE:-/run/jaxrig}
log=$state/dockerd.log
pidfile=$state/dockerd.started
readonly no_engine=5

say() { printf 'jaxrig engine: %s\n' "$*" >&2; }

# The Docker SDK is asked, not the command line client: it is what jaxrig will use,
# and Debian 13 installs the engine without the client.
need_sdk() {
    "$python" -c 'import docker; docker.from_env' >/dev/null 2>&1 && return 0
    say "$python has no Docker SDK to ask with: set JAXRIG_PYTHON to the Python that runs jaxrig"
    exit $no_engine
}

answers() {
    "$python" -c 'import docker; docker.from_env(timeout=5).ping()' >/dev/null 2>&1
}

started_at() { # the start time of a process in clock ticks, which tells a reused pid
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

ours_is_alive() {
    [ -r "$pidfile" ] || return 1
    read -r pid ticks <"$pidfile"
    [ "$(started_at "$pid")" = "$ticks" ]
}

explain() {
    cat >&2 <<TEXT
jaxrig engine: no Docker engine answers at ${DOCKER_HOST:-the default socket}.
  - Where one is installed, start it (for instance: systemctl start docker) or set DOCKER_HOST.
  - On Debian or Ubuntu as root, run docker/engine.sh start with JAXRIG_NO_INSTALL unset.
  - Elsewhere, install Docker from your distribution and add yourself to its group.
  - Without any engine: jaxrig run --isolation process measures the same cases as a plain process.
TEXT
}

install_engine() {
    missing=()
    command -v dockerd >/dev/null || missing+=(docker.io)
    command -v iptables >/dev/null || missing+=(iptables)
    command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]} from this distribution's packages"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

start_engine() {
    mkdir -p "$state"
    say "starting dockerd without bridge and firewall rules (runs need no network); log: $log"
    # A session of its own: Ctrl-C in the terminal that started it must not reach it.
    setsid dockerd --iptables=false --ip6tables=false --bridge=none >"$log" 2>&1 </dev/null 9>&- &
    local pid=$!
    printf '%s %s\n' "$pid" "$(started_at "$pid")" >"$pidfile"
    for _ in $(seq 120); do
        answers && return 0
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.25
    done
    say "dockerd did not come up; the end of $log:"
    tail -n 20 "$log" >&2
    exit $no_engine
}

start() {
    if answers; then
        say "an engine answers at ${DOCKER_HOST:-the default socket}"
        return 0
    fi
    if [ -n "${DOCKER_HOST:-}" ] || [ "${JAXRIG_NO_INSTALL:-0}" = 1 ] ||
        [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        explain
        exit $no_engine
    fi
    mkdir -p "$state"
    exec 9>"$state/lock" # two starts at once must not start two engines
    flock 9
    answers && return 0
    install_engine
    answers && return 0 # the package starts the engine itself where systemd runs
    start_engine
    say "started"
}

status() {
    if ! answers; then
        explain
        exit $no_engine
    fi
    if ours_is_alive; then
        say "answers; started by docker/engine.sh"
    else
        say "answers; not started by docker/engine.sh"
    fi
}

stop() {
    if ! ours_is_alive; then
        say "docker/engine.sh started no engine that still runs; nothing to stop"
        rm -f "$pidfile"
        return 0
    fi
    kill -TERM "$pid"
    for _ in $(seq 120); do
        if ! ours_is_alive; then
            rm -f "$pidfile"
            say "stopped"
            return 0
        fi
        sleep 0.25
    done
    say "process $pid does not end; see $log"
    exit 1
}

case "${1:-}" in
start | status) need_sdk && "$1" ;;
stop) stop ;;
*)
    sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
