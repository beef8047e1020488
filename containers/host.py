"""What of this host serves the building of images: proxies, indexes, and its bundle of CAs."""

import os
from pathlib import Path

# What may name this host's CA bundle, the first that does first.
CA_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy")
_PIP_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")


def host_ca() -> bytes:
    """The CA bundle that this host's pip would use, or nothing where none is named."""
    for variable in CA_VARIABLES:
        path = os.environ.get(variable)
        if path and Path(path).is_file():
            return Path(path).read_bytes()
    return b""


def build_arguments() -> dict[str, str]:
    """Arguments of every build that fetches packages."""
    names = [*_PROXY_VARIABLES, *(name.upper() for name in _PROXY_VARIABLES), *_PIP_VARIABLES]
    return {name: os.environ[name] for name in names if name in os.environ}
