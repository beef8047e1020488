# The stack of a ROCm target: Ubuntu 24.04 with ROCm 7 (the base), its Python 3.12, and JAX with the
# plugin for it, pinned by version and hash. The workloads come on top of it as a layer of their own
# (workloads.Dockerfile).
#
# Written for the classic builder as well as BuildKit. `host-ca.pem` is the CA bundle of the
# building host (empty where it names none): it serves pip behind a proxy that intercepts TLS
# and stays out of the image, as only /opt/venv is copied from the first stage.
ARG BASE
FROM ${BASE} AS install
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
# The base's python3 has no venv.
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv
COPY requirements.txt host-ca.pem /build/
RUN python3 -m venv /opt/venv \
 && if [ -s /build/host-ca.pem ]; then export PIP_CERT=/build/host-ca.pem; fi \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --no-deps --require-hashes --only-binary :all: -r /build/requirements.txt \
 && /opt/venv/bin/pip check --disable-pip-version-check \
 && /opt/venv/bin/python -m compileall -q /opt/venv

FROM ${BASE}
COPY --from=install /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
