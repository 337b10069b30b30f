"""Long connections through each proxy when the app stops: each is closed cleanly, and none holds up the stop."""

import http.client
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.testkit.faults import state
from tests.testkit.raw import connect, head
from tests.testkit.stack import Project
from tests.testkit.websocket import TEXT, WebSocket

pytestmark = pytest.mark.engine

GOING_AWAY = 1001
BROKEN = 1006


def app_exit_code(stack: Project) -> int:
    """Return the exit code of the app's container."""
    return int(state(stack, "app")["State"]["ExitCode"])  # type: ignore[index]


@pytest.mark.native
def test_websocket_of_a_stopping_app_gets_close_1001(changing_stack: Project, port: int) -> None:
    with WebSocket(port, "/echo-websocket") as client, ThreadPoolExecutor() as pool:
        client.send(b"hello")
        assert client.receive() == (TEXT, b"hello")

        stopping = pool.submit(changing_stack.compose, "stop", "app")

        assert client.receive_close() == GOING_AWAY
        client.send(GOING_AWAY.to_bytes(2, "big"), opcode=8)
        stopping.result()

    assert app_exit_code(changing_stack) == 0


def test_silent_websocket_client_is_aborted(changing_stack: Project, port: int) -> None:
    with WebSocket(port, "/echo-websocket") as client, ThreadPoolExecutor() as pool:
        client.send(b"hello")
        assert client.receive() == (TEXT, b"hello")

        stopping = pool.submit(changing_stack.compose, "stop", "app")

        assert client.receive_close() == GOING_AWAY
        stopping.result()  # the client does not answer the close
        assert client.receive_close() == BROKEN

    assert app_exit_code(changing_stack) == 0


@pytest.mark.native
def test_event_stream_of_a_stopping_app_ends(changing_stack: Project, port: int) -> None:
    with connect(port) as connection, ThreadPoolExecutor() as pool:
        connection.sendall(head("/events?deaf=true", "Accept: text/event-stream"))
        with http.client.HTTPResponse(connection) as stream:
            stream.begin()
            assert stream.readline() == b"data: tick\n"

            stopping = pool.submit(changing_stack.compose, "stop", "app")

            assert stream.read().endswith(b"data: tick\n\n")  # its end, and not a connection that broke off
        stopping.result()

    assert app_exit_code(changing_stack) == 0
