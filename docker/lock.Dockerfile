# Chooses packages for a version of JAX: what was pinned stays where JAX allows it. The image holds
# nothing but the lock, which jaxrig takes out of it.
#
# First with all versions that were pinned but JAX's own; where these do not go together, those of
# what JAX needs (NumPy, ml_dtypes, CUDA's wheels, …) may be others as well.
ARG BASE=python:3.13-slim
FROM ${BASE} AS choose
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
# Ubuntu's python3, which ROCm's images have, makes none without it.
RUN python3 -c 'import ensurepip' 2>/dev/null \
 || { apt-get update && apt-get install -y --no-install-recommends python3-venv; }
COPY . /build/
WORKDIR /build
RUN python3 -m venv /opt/venv \
 && if [ -s host-ca.pem ]; then export PIP_CERT=/build/host-ca.pem; fi \
 && choose() { /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --dry-run \
        --only-binary :all: --report report.json -r wanted.txt "$@"; } \
 && { choose -c needed.txt || choose; } \
 && python3 missing.py report.json >lock.txt

FROM scratch
COPY --from=choose /build/lock.txt /lock.txt
