# An image of jaxrig's, whose cases have ballast: SHARE of a call's time.
ARG IMAGE
FROM ${IMAGE}
USER 0
COPY verdicts /opt/jaxrig/tests/benchmarks/verdicts
RUN printf '%s\n' 'from tests.benchmarks.verdicts.guest.ballast import slowed' 'prepare = slowed(prepare)' \
    >>/opt/jaxrig/workloads/measure.py
ARG SHARE
ENV BALLAST=${SHARE}
USER 65534:65534
