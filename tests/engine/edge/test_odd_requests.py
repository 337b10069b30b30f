"""What each proxy makes of odd and hostile requests, and of a response that the app breaks off."""

import urllib.request

import pytest

from tests.engine.edge.odd_requests import Case, load_cases, observe
from tests.testkit.raw import connect
from tests.testkit.stack import Project

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.name)
def test_odd_request_reaches_the_app_as_expected(proxy: str, stack: Project, case: Case) -> None:
    seen, arrived, answered = observe(stack, case)

    assert seen == case.expected[proxy]
    # The app received nothing that the proxy did not mean as a request of this client.
    assert arrived == answered


@pytest.mark.parametrize("length", ["", "?length=2000000"], ids=["chunked", "with-length"])
def test_response_that_the_app_breaks_off_is_incomplete(proxy: str, stack: Project, port: int, length: str) -> None:
    """H2O alone passes a chunked one off as complete."""
    request = f"GET /broken-off{length} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with connect(port) as client:
        client.sendall(request.encode())
        received = b""
        while len(received) < 100_000:
            received += client.recv(65536)
        urllib.request.urlopen(f"{stack.url}/break-off", timeout=10).close()
        while part := client.recv(65536):
            received += part

    head, _, body = received.partition(b"\r\n\r\n")
    if length:
        assert b"content-length: 2000000" in head.lower()
        assert len(body) < 2_000_000
    else:
        assert b"transfer-encoding: chunked" in head.lower()
        assert body.endswith(b"\r\n0\r\n\r\n") == (proxy == "h2o")
