# What lies below the workloads where a target names an image instead of a Dockerfile: that image,
# held to what a launch needs of it.
ARG IMAGE
FROM ${IMAGE}
USER 0:0
# The launch says what is started.
ENTRYPOINT []
RUN command -v python >/dev/null || { echo 'there is no command named python in this image' >&2; exit 1; }; \
    python -c "import sys; sys.exit(None if sys.version_info >= (3, 11) else 'its Python is older than 3.11')" \
 && python -c 'import jax, numpy'
