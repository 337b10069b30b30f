"""SIGTERM while something is under way, straight over the app's socket: what can finish does, the rest is bounded."""

import http.client
import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testkit.app import App, Caller, running

pytestmark = [pytest.mark.engine, pytest.mark.native]


@pytest.fixture
def patient(publish: Path, tmp_path: Path) -> Iterator[App]:
    """An app that waits for whatever is under way, longer than a test does."""
    with running(
        publish, tmp_path / "kestrel.sock", shutdownTimeoutSeconds="600", Socket__DrainTimeout="00:09:00"
    ) as app:
        yield app


@pytest.fixture
def hasty(publish: Path, tmp_path: Path) -> Iterator[App]:
    """An app that waits for two seconds."""
    with running(
        publish, tmp_path / "kestrel.sock", shutdownTimeoutSeconds="2", Socket__DrainTimeout="00:00:01"
    ) as app:
        yield app


def until_end(client: socket.socket) -> bytes:
    """All that still comes on a connection."""
    return b"".join(iter(lambda: client.recv(65536), b""))


def shake_hands(app: App, page: str) -> socket.socket:
    """Open a websocket, and wait for its first message."""
    client = app.connect()
    headers = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n"
    request = f"GET {page} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".format("dGhlIHNhbXBsZSBub25jZQ==")
    client.sendall(request.encode())
    come = b""
    while not come.endswith(b"tick"):
        come += client.recv(65536)
    assert come.startswith(b"HTTP/1.1 101")
    return client


def test_stop_of_idle_app_does_not_wait_for_timeouts(patient: App) -> None:
    patient.stop()

    assert patient.exit_code() == 0


def test_stop_answers_request_in_flight_and_closes_connection(patient: App) -> None:
    caller = Caller(patient)
    caller.request("GET", "/slow?seconds=1.5")

    patient.stop()

    answer = caller.getresponse()
    assert (answer.status, answer.read(), answer.headers["Connection"]) == (200, b"slow", "close")
    assert patient.exit_code() == 0


@pytest.mark.parametrize("seconds", [0, 1.5])
def test_stop_closes_connection_of_failed_request(patient: App, seconds: float) -> None:
    caller = Caller(patient)
    caller.request("GET", f"/throw?seconds={seconds}" if seconds else "/")
    if not seconds:
        caller.getresponse().read()

    patient.stop()
    if not seconds:
        caller.request("GET", "/throw")

    answer = caller.getresponse()
    assert (answer.status, json.loads(answer.read())["status"], answer.headers["Connection"]) == (500, 500, "close")
    assert patient.exit_code() == 0


def test_stop_reads_half_sent_body_to_its_end(patient: App) -> None:
    body = bytes(range(256)) * 4000
    client = patient.connect()
    client.sendall(f"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode())
    client.sendall(body[:500_000])

    patient.stop()
    client.sendall(body[500_000:])

    answer = http.client.HTTPResponse(client)
    answer.begin()
    assert (answer.status, answer.headers["Connection"]) == (200, "close")
    assert answer.read() == body
    client.close()
    assert patient.exit_code() == 0


def test_stop_answers_request_on_idle_connection(patient: App) -> None:
    caller = Caller(patient)
    caller.request("GET", "/")
    caller.getresponse().read()

    patient.stop()
    caller.request("GET", "/")

    answer = caller.getresponse()
    assert (answer.status, answer.read(), answer.headers["Connection"]) == (200, b"Hello World!", "close")
    assert patient.exit_code() == 0


def test_stop_lets_event_stream_end_by_itself(patient: App) -> None:
    caller = Caller(patient)
    caller.request("GET", "/events")
    stream = caller.getresponse()
    assert stream.readline() == b"data: tick\n"

    patient.stop()

    assert stream.read().endswith(b"data: bye\n\n")
    caller.close()  # as H2O does after two seconds; this response was under way when there was no stop yet
    assert patient.exit_code() == 0


def test_stop_lets_websocket_send_close_frame(patient: App) -> None:
    client = shake_hands(patient, "/websocket")

    patient.stop()

    assert re.search(rb"\x88.\x03\xe9[^\x88]*$", until_end(client), re.DOTALL)  # a close frame: 1001, going away
    client.close()
    assert patient.exit_code() == 0


def test_stop_cuts_endless_event_stream_after_shutdown_timeout(hasty: App) -> None:
    caller = Caller(hasty)
    caller.request("GET", "/events?deaf=true")
    stream = caller.getresponse()
    assert stream.readline() == b"data: tick\n"

    hasty.stop()

    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        stream.read()
    hasty.exit_code()


def test_stop_closes_endless_websocket(hasty: App) -> None:
    client = shake_hands(hasty, "/websocket?deaf=true")

    hasty.stop()

    assert until_end(client).endswith(b"\x88\x1b\x03\xe9The app is shutting down.")  # a close frame: 1001, going away
    hasty.exit_code()


def test_stop_waits_for_silent_connection_until_drain_timeout(publish: Path, tmp_path: Path) -> None:
    path = tmp_path / "kestrel.sock"
    with running(publish, path, shutdownTimeoutSeconds="600", Socket__DrainTimeout="00:00:01") as app:
        silent = app.connect()

        app.stop()

        assert app.exit_code() == 0
        assert until_end(silent) == b""


def test_stop_ends_connection_without_complete_request(hasty: App) -> None:
    silent, half_a_head = hasty.connect(), hasty.connect()
    half_a_head.sendall(b"GET / HTTP/1.1\r\nHost: ")

    hasty.stop()

    hasty.exit_code()
    assert until_end(silent) == b""
    half_a_head.close()


def connect_while_stopping(app: App) -> tuple[socket.socket | None, float]:
    """Stop the app, pause it as soon as its path is gone, and connect to its own socket; return how long that took."""
    own = str(app.path.parent / app.path.readlink())
    app.process.send_signal(signal.SIGTERM)
    while app.path.is_symlink():
        seen = time.monotonic()
    app.process.send_signal(signal.SIGSTOP)
    client: socket.socket | None = socket.socket(socket.AF_UNIX)
    try:
        assert client
        client.settimeout(30)
        client.connect(own)
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    except OSError:
        client = None
    app.process.send_signal(signal.SIGCONT)
    return client, time.monotonic() - seen


def test_stop_answers_connection_in_listen_queue(publish: Path, tmp_path: Path) -> None:
    """A client that has resolved the public path before its removal may connect after it."""
    for attempt in range(10):
        with running(publish, tmp_path / str(attempt) / "kestrel.sock") as app:
            client, seconds = connect_while_stopping(app)
            if seconds > 0.03:
                continue  # this test did not get the processor in time
            assert client, "the app closed its socket with the removal of its path"
            assert b"Hello World!" in until_end(client)
            assert app.exit_code() == 0
            return
    pytest.fail("no attempt was in time")
