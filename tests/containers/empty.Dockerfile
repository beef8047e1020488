# An image with nothing in it: no `python` to start.
FROM scratch
LABEL jaxrig.test=empty
