#!/usr/bin/env bash
# Sees to Podman, and to what fetches another Docker: tests start engines of their own with them.
#
# JAXRIG_NO_INSTALL=1   never install anything, only say what would be needed
set -euo pipefail

say() { printf 'jaxrig tests: %s\n' "$*" >&2; }

there() { command -v podman >/dev/null && command -v runc >/dev/null && command -v mmdebstrap >/dev/null; }

there && exit 0
if [ "${JAXRIG_NO_INSTALL:-0}" = 1 ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "tests with other engines are skipped (on Debian: apt-get install podman runc mmdebstrap)"
    exit 0
fi
say "installing podman and mmdebstrap from this distribution's packages"
apt-get update -qq >&2
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends podman runc mmdebstrap >&2
there
