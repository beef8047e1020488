#!/usr/bin/env bash
# Makes a virtual environment: docker/venv.sh PYTHON FOLDER
#
# Debian keeps the module that does so in a package of its own; where it is missing, and only
# as root on an apt system and unless JAXRIG_NO_INSTALL=1, that package is installed.
set -euo pipefail

python=$1 folder=$2
say() { printf 'jaxrig venv: %s\n' "$*" >&2; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "$python is $("$python" --version 2>&1); jaxrig needs Python 3.11 or newer (make PYTHON=...)"
    exit 5
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" != 0 ] || [ "${JAXRIG_NO_INSTALL:-0}" = 1 ] || ! command -v apt-get >/dev/null; then
        say "$python lacks the venv module; on Debian or Ubuntu: apt-get install python3-venv"
        exit 5
    fi
    say "installing python3-venv from this distribution's packages"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >&2
fi
"$python" -m venv "$folder"
