"""Timeouts of slow clients and of a silent app, and idle connections that must stay open.

All cases of all proxies wait at the same time: about two minutes, with no load on the machine.
"""

import select
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import chain, repeat

import pytest

from tests.testkit.combinations import PROXIES
from tests.testkit.raw import connect, exchange, head
from tests.testkit.stack import Project
from tests.testkit.websocket import TEXT, WebSocket

pytestmark = [pytest.mark.engine, pytest.mark.test_all]

IDLE = 125  # seconds
SLOWEST = 75  # seconds until a slow request must have ended


def silent_app(port: int) -> object:
    """Send a request that the app does not answer; return the status."""
    browser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
    return exchange(port, head(f"/slow?seconds={SLOWEST}", browser), timeout=40).status


def idle_websocket(port: int) -> object:
    """Return what a websocket echoes after two minutes of silence."""
    with WebSocket(port, "/echo-websocket", timeout=IDLE) as websocket:
        time.sleep(IDLE)
        websocket.send(b"still there")
        return websocket.receive()


def idle_events(port: int) -> object:
    """Return whether the event after two minutes of silence arrives."""
    with connect(port, timeout=IDLE + 20) as connection:
        connection.sendall(head(f"/quiet-events?seconds={IDLE}", "Accept: text/event-stream"))
        received = b""
        with suppress(ConnectionError):
            while piece := connection.recv(65536):
                received += piece
        assert b"data: first" in received
        return b"data: last" in received


def slow(port: int, begin: bytes, drop: bytes) -> object:
    """Send `begin`, then `drop` each second; return whether the request is ended in time."""
    end = time.monotonic() + SLOWEST
    with connect(port) as connection, suppress(ConnectionError):
        for piece in chain([begin], repeat(drop)):
            connection.sendall(piece)
            if select.select([connection], [], [], 1)[0]:
                break
            if time.monotonic() > end:
                return False
    return True


def slow_headers(port: int) -> object:
    """Send headers that never end."""
    return slow(port, head("/")[:-2], b"x: y\r\n")


def slow_body(port: int) -> object:
    """Send a body of one byte a second."""
    return slow(port, head("/echo", "Content-Length: 100000", method="POST"), b"x")


KINDS = (silent_app, idle_websocket, idle_events, slow_headers, slow_body)
Outcomes = dict[tuple[str, str], "Future[object]"]


@pytest.fixture(scope="package")  # not of the module: pytest comes back to that for each proxy
def outcomes(stacks: Callable[[str], Project]) -> Outcomes:
    """Run each case for each proxy, all at the same time; return their results."""
    ports = {proxy: int(stacks(proxy).environment["HTTP_PORT"]) for proxy in PROXIES}
    with ThreadPoolExecutor(len(KINDS) * len(PROXIES)) as pool:
        return {(proxy, kind.__name__): pool.submit(kind, port) for proxy, port in ports.items() for kind in KINDS}


def test_silent_app_gives_502_or_504_within_40_seconds(outcomes: Outcomes, proxy: str) -> None:
    assert outcomes[proxy, "silent_app"].result() in (502, 504)


def test_slow_headers_are_ended(outcomes: Outcomes, proxy: str) -> None:
    assert outcomes[proxy, "slow_headers"].result() is True


def test_slow_body_is_ended(outcomes: Outcomes, proxy: str) -> None:
    assert outcomes[proxy, "slow_body"].result() is True


def test_idle_websocket_stays_open(outcomes: Outcomes, proxy: str) -> None:
    assert outcomes[proxy, "idle_websocket"].result() == (TEXT, b"still there")


def test_idle_event_stream_stays_open_unless_the_proxy_is_h2o(outcomes: Outcomes, proxy: str) -> None:
    """H2O has one timeout, proxy.timeout.io, before the response and within it."""
    assert outcomes[proxy, "idle_events"].result() is (proxy != "h2o")
