# The last layer of an image with a suite of one's own: the suite.
ARG IMAGE
FROM ${IMAGE}
COPY own /opt/own
