#!/usr/bin/env bash
# Sees to PostgreSQL's server programs: tests start a server of their own with them.
#
# JAXRIG_NO_INSTALL=1   never install anything, only say what would be needed
set -euo pipefail

own=/etc/postgresql-common/createcluster.d/jaxrig.conf

say() { printf 'jaxrig tests: %s\n' "$*" >&2; }

there() { compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null; }

clean_up() {
    rm -f "$own"
    rmdir --ignore-fail-on-non-empty "${own%/*}"
}

there && exit 0
if [ "${JAXRIG_NO_INSTALL:-0}" = 1 ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "no PostgreSQL server here: its tests are skipped (on Debian: apt-get install postgresql)"
    exit 0
fi
say "installing postgresql from this distribution's packages"
# The package would make a database cluster and start it for good: nobody asked for that.
trap clean_up EXIT
mkdir -p "${own%/*}"
echo 'create_main_cluster = false' >"$own"
apt-get update -qq >&2
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >&2
there
