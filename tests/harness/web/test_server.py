"""Where it listens."""

import socket

import pytest

from harness.errors import EnvironmentFailure
from harness.web.server import address_of, is_loopback, listen, own_names


def test_a_free_port_is_found_and_told() -> None:
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        assert address_of(listening, "127.0.0.1") == f"http://127.0.0.1:{port}/"
        assert is_loopback(listening)


def test_a_port_that_is_taken_is_said_so() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentFailure, match=rf"127\.0\.0\.1:{port}.*in use.*--port"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_said_so(host: str) -> None:
    with pytest.raises(EnvironmentFailure, match=host):
        listen(host, 0)


def test_everywhere_is_no_loopback() -> None:
    with listen("0.0.0.0", 0) as listening:  # noqa: S104 (closed at once)
        assert not is_loopback(listening)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6_is_written_in_brackets() -> None:
    try:
        listening = listen("::1", 0)
    except EnvironmentFailure:
        pytest.skip("no IPv6 here")
    with listening:
        assert address_of(listening, "::1").startswith("http://[::1]:")
        assert is_loopback(listening)


def test_it_may_be_called_by_the_name_it_was_given() -> None:
    assert own_names("Testbed") >= {"testbed", "localhost", "127.0.0.1", "[::1]"}
    assert "[::2]" in own_names("::2")
