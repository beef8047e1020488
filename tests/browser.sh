#!/usr/bin/env bash
# Sees to a browser, and to axe-core, which looks for what keeps people out: tests open the report in it.
#
# JAXRIG_NO_INSTALL=1   never install anything, only say what would be needed
set -euo pipefail

axe=4.14.1
integrity=FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==
kept=${1:?a folder to keep axe-core in}

say() { printf 'jaxrig tests: %s\n' "$*" >&2; }

may_install() {
    [ "${JAXRIG_NO_INSTALL:-0}" != 1 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

wanted=()
command -v chromium >/dev/null || wanted+=(chromium)
command -v npm >/dev/null || wanted+=(npm)
if [ ${#wanted[@]} -gt 0 ]; then
    if ! may_install; then
        say "no browser here: its tests are skipped (on Debian: apt-get install ${wanted[*]})"
        exit 0
    fi
    say "installing ${wanted[*]} from this distribution's packages"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" >&2
fi

[ -f "$kept/axe-$axe.js" ] && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent "axe-core@$axe" >/dev/null)
found=$(openssl dgst -sha512 -binary "$work/axe-core-$axe.tgz" | openssl base64 -A)
if [ "$found" != "$integrity" ]; then
    say "axe-core $axe is not what was pinned: sha512-$found"
    exit 1
fi
tar -xzf "$work/axe-core-$axe.tgz" -C "$work" package/axe.min.js
mkdir -p "$kept"
mv "$work/package/axe.min.js" "$kept/axe-$axe.js"
