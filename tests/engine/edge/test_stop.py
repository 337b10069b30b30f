"""Stopping the proxy, with idle browsers connected and a request in flight."""

import http.client
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.testkit.faults import state
from tests.testkit.raw import connect, head, read_response
from tests.testkit.stack import Project

pytestmark = pytest.mark.engine

SIGKILLED = 137


def grace_period(stack: Project, proxy: str) -> int:
    """Return the seconds after which the engine kills the proxy."""
    return int(state(stack, proxy)["Config"]["StopTimeout"])  # type: ignore[index]


def exit_code(stack: Project, proxy: str) -> int:
    """Return the exit code of the proxy's container."""
    return int(state(stack, proxy)["State"]["ExitCode"])  # type: ignore[index]


@pytest.mark.native
def test_stop_answers_the_request_in_flight(changing_stack: Project, proxy: str, port: int) -> None:
    with connect(port) as connection, ThreadPoolExecutor() as pool:
        connection.sendall(head("/halves?seconds=1"))
        with http.client.HTTPResponse(connection) as response:
            response.begin()
            assert response.read(12) == b"first half, "

            stopping = pool.submit(changing_stack.compose, "stop", proxy)

            assert response.read() == b"second half"
        stopping.result()

    assert exit_code(changing_stack, proxy) == 0


def test_stop_with_idle_browsers_is_bounded_and_answers_the_request_in_flight(
    changing_stack: Project, proxy: str, port: int
) -> None:
    """H2O and nginx may keep idle connections until the engine kills them at the end of the grace period."""
    with connect(port) as asked, connect(port) as silent, connect(port) as in_flight, ThreadPoolExecutor() as pool:
        asked.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_response(asked).text == "Hello World!"
        in_flight.sendall(head("/halves?seconds=1"))
        assert in_flight.recv(15) == b"HTTP/1.1 200 OK"

        stopping = pool.submit(changing_stack.compose, "stop", proxy)

        received = b""
        while piece := in_flight.recv(65536):
            received += piece
        stopping.result()
        assert b"second half" in received
        assert silent.recv(1) == b""

    assert grace_period(changing_stack, proxy) <= 3
    assert exit_code(changing_stack, proxy) in ((0,) if proxy == "caddy" else (0, SIGKILLED))
