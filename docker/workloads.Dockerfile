# The last layer of every target: the workloads on top of a stack, so that one digest names
# everything that ran.
ARG STACK
FROM ${STACK}
# A volume that is mounted here inherits the owner: the disk of launches that measure storage.
USER 0:0
RUN mkdir -p /scratch && chown 65534:65534 /scratch
COPY workloads /opt/jaxrig/workloads
# A target's own image may find its packages by it, too.
ENV PYTHONPATH=/opt/jaxrig${PYTHONPATH:+:$PYTHONPATH}
WORKDIR /opt/jaxrig
USER 65534:65534
