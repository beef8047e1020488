# What a suite of one's own requires, or a project and what it needs, on top of a target's stack: a
# layer between that stack and the workloads, made anew only where its contents change.
#
# What the stack lacks is fetched (or built) as wheels in the first stage, in which `host-ca.pem`
# serves pip and stays behind; the second installs just these, as the stack itself would.
ARG STACK
FROM ${STACK} AS fetch
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
USER 0
COPY . /build/
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# A project that takes its version from git finds no repository here.
ENV SETUPTOOLS_SCM_PRETEND_VERSION=0+measured PDM_BUILD_SCM_VERSION=0+measured
RUN if [ -s host-ca.pem ]; then export PIP_CERT=/build/host-ca.pem; fi \
 && python -m pip install --no-cache-dir --dry-run --report missing.json -r requirements.txt \
 && python missing.py missing.json >missing.txt \
 && mkdir wheels \
 && python -m pip wheel --no-cache-dir --no-deps --wheel-dir wheels -r missing.txt

FROM ${STACK}
USER 0
COPY --from=fetch /build/wheels /build/wheels
RUN find /build/wheels -name '*.whl' -exec python -m pip install --disable-pip-version-check \
        --root-user-action ignore --no-cache-dir --no-index --no-deps {} + \
 && python -m pip check --disable-pip-version-check
