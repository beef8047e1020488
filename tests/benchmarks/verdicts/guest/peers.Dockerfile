# The same cases, as asv, pyperf and pytest-benchmark time them. asv compares commits: `base`,
# `unchanged`, and `slower`, whose cases have ballast.
ARG IMAGE
FROM ${IMAGE}
USER 0
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends git >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY host-ca.pem peers.requirements.txt /build/
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN if [ -s /build/host-ca.pem ]; then export PIP_CERT=/build/host-ca.pem; fi \
 && python -m pip install -q --no-cache-dir --no-deps --require-hashes -r /build/peers.requirements.txt \
 && python -m pip check
COPY verdicts /opt/jaxrig/tests/benchmarks/verdicts
WORKDIR /peers
ARG SHARE
RUN guest=/opt/jaxrig/tests/benchmarks/verdicts/guest \
 && cp -r $guest/asv.conf.json $guest/project . \
 && mkdir benchmarks && touch benchmarks/__init__.py && cp $guest/asv_suite.py benchmarks/ \
 && cd project && git init -q -b main \
 && git config user.name bench && git config user.email bench@localhost \
 && git add . && git commit -q -m base && git tag base \
 && git commit -q --allow-empty -m unchanged && git tag unchanged \
 && sed -i "s/\"0\"/\"$SHARE\"/" share.py && git commit -q -a -m slower && git tag slower
ENV JAX_PLATFORMS=cpu HOME=/root
# asv 0.6.6 ends with 1 here though all went well, so its work is looked for. Its environment knows
# the standard library alone; the rest is that of this image.
RUN if [ -s /build/host-ca.pem ]; then export PIP_CERT=/build/host-ca.pem; fi \
 && asv setup; test -x env/*/bin/python \
 && printf '%s\n' /opt/jaxrig /opt/venv/lib/python3.13/site-packages \
    >"$(echo env/*/lib/python3.13/site-packages)/peers.pth"
