#!/usr/bin/env bash
# Makes the base image where no registry answers: Debian trixie with Python 3.13, from the
# distribution's packages, equal in purpose to python:3.13-slim (about 160 MB, 20 s).
#
#   docker/base.sh [TAG]      default: jaxrig/base:trixie
#
# Needs root and mmdebstrap. JAXRIG_DEBIAN_MIRROR names a mirror other than mmdebstrap's own.
# JAXRIG_NO_INSTALL=1 keeps it from installing mmdebstrap.
set -euo pipefail

tag=${1:-jaxrig/base:trixie}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${JAXRIG_PYTHON:-$root/.venv/bin/python}
[ -x "$python" ] || python=python3

say() { printf 'jaxrig base: %s\n' "$*" >&2; }

if ! command -v mmdebstrap >/dev/null; then
    if [ "$(id -u)" != 0 ] || [ "${JAXRIG_NO_INSTALL:-0}" = 1 ] || ! command -v apt-get >/dev/null; then
        say "mmdebstrap is missing: install it, or let the engine reach a registry with python:3.13-slim"
        exit 5
    fi
    say "installing mmdebstrap from this distribution's packages"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mmdebstrap >&2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "making $tag from Debian trixie (about 20 s)"
mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-venv \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    trixie "$work/base.tar" ${JAXRIG_DEBIAN_MIRROR:+"$JAXRIG_DEBIAN_MIRROR"} >&2

"$python" - "$work/base.tar" "$tag" <<'PYTHON'
import sys

import docker

archive, tag = sys.argv[1:]
repository, _, version = tag.rpartition(":")
docker.APIClient(timeout=600).import_image_from_file(
    archive, repository=repository, tag=version, changes=["ENV LANG=C.UTF-8", "CMD python3"]
)
PYTHON
say "imported $tag"
