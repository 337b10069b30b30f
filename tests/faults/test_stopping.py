"""SIGTERM while something is under way, straight over the app's socket: what can finish does, the rest is bounded."""

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testkit.app import App, Caller, running

pytestmark = pytest.mark.engine


@pytest.fixture
def patient(publish: Path, tmp_path: Path) -> Iterator[App]:
    """An app that waits for whatever is under way, longer than a test does."""
    with running(
        publish, tmp_path / "kestrel.sock", shutdownTimeoutSeconds="600", Socket__DrainTimeout="00:10:00"
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


def test_an_idle_app_stops_although_its_bounds_are_far_away(patient: App) -> None:
    patient.stop()

    assert patient.exit_code() == 0


def test_a_request_in_flight_is_answered_and_ends_its_connection(patient: App) -> None:
    caller = Caller(patient)
    caller.request("GET", "/slow?seconds=1.5")

    patient.stop()

    answer = caller.getresponse()
    assert (answer.status, answer.read(), answer.headers["Connection"]) == (200, b"slow", "close")
    assert patient.exit_code() == 0


@pytest.mark.parametrize("seconds", [0, 1.5])
def test_a_request_that_fails_ends_its_connection_too(patient: App, seconds: float) -> None:
    caller = Caller(patient)
    caller.request("GET", f"/throw?seconds={seconds}" if seconds else "/")
    if not seconds:
        caller.getresponse().read()

    patient.stop()
    if not seconds:
        caller.request("GET", "/throw")

    answer = caller.getresponse()
    assert (answer.status, answer.read(), answer.headers["Connection"]) == (500, b"", "close")
    assert patient.exit_code() == 0


def test_a_body_half_sent_is_read_to_its_end(patient: App) -> None:
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


def test_a_request_on_a_connection_that_was_idle_is_answered(patient: App) -> None:
    caller = Caller(patient)
    caller.request("GET", "/")
    caller.getresponse().read()

    patient.stop()
    caller.request("GET", "/")

    answer = caller.getresponse()
    assert (answer.status, answer.read(), answer.headers["Connection"]) == (200, b"Hello World!", "close")
    assert patient.exit_code() == 0


def test_an_event_stream_that_hears_of_the_stop_ends_by_itself(patient: App) -> None:
    caller = Caller(patient)
    caller.request("GET", "/events")
    stream = caller.getresponse()
    assert stream.readline() == b"data: tick\n"

    patient.stop()

    assert stream.read().endswith(b"data: bye\n\n")
    caller.close()  # as H2O does after two seconds; this response was under way when there was no stop yet
    assert patient.exit_code() == 0


def test_a_websocket_that_hears_of_the_stop_is_closed_in_order(patient: App) -> None:
    client = shake_hands(patient, "/websocket")

    patient.stop()

    assert until_end(client).endswith(b"\x88\x0a\x03\xe9stopping")  # a close frame: 1001, going away
    client.close()
    assert patient.exit_code() == 0


def test_an_event_stream_that_never_ends_is_cut_after_the_bound(hasty: App) -> None:
    caller = Caller(hasty)
    caller.request("GET", "/events?deaf=true")
    stream = caller.getresponse()
    assert stream.readline() == b"data: tick\n"

    hasty.stop()

    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        stream.read()
    hasty.exit_code()


def test_a_websocket_that_never_ends_is_cut_after_the_bound(hasty: App) -> None:
    client = shake_hands(hasty, "/websocket?deaf=true")

    hasty.stop()

    assert b"\x88" not in until_end(client)
    hasty.exit_code()


def test_a_silent_connection_holds_the_app_for_no_longer_than_the_drain(publish: Path, tmp_path: Path) -> None:
    path = tmp_path / "kestrel.sock"
    with running(publish, path, shutdownTimeoutSeconds="600", Socket__DrainTimeout="00:00:01") as app:
        silent = app.connect()

        app.stop()

        assert app.exit_code() == 0
        assert until_end(silent) == b""


def test_a_connection_on_which_nothing_comes_does_not_hold_the_app(hasty: App) -> None:
    silent, half_a_head = hasty.connect(), hasty.connect()
    half_a_head.sendall(b"GET / HTTP/1.1\r\nHost: ")

    hasty.stop()

    hasty.exit_code()
    assert until_end(silent) == b""
    half_a_head.close()
