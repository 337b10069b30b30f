"""Requests as the app receives them, and responses as the client receives them."""

import json

import pytest

from tests.testkit.raw import connect, exchange, head, upload
from tests.testkit.stack import Project
from tests.testkit.websocket import CLOSE, TEXT, WebSocket

pytestmark = pytest.mark.engine

MEGABYTE = 1_000_000


def address_of_the_host(stack: Project, proxy: str) -> str:
    """Return the address from which the proxy's container receives requests of this host."""
    networks = stack.inspect(proxy)["NetworkSettings"]["Networks"]
    (network,) = networks.values()
    return str(network["Gateway"])


@pytest.mark.native
def test_app_receives_client_address_scheme_and_host_with_port(stack: Project, proxy: str, port: int) -> None:
    seen = json.loads(exchange(port, head("/request/a?b=c", host=f"example.org:{port}")).body)

    assert seen["client"] == address_of_the_host(stack, proxy)
    assert (seen["scheme"], seen["host"], seen["pathBase"]) == ("http", f"example.org:{port}", "")
    assert (seen["method"], seen["target"]) == ("GET", "/request/a?b=c")


@pytest.mark.native
def test_host_without_port_is_unchanged(port: int) -> None:
    assert json.loads(exchange(port, head("/request/", host="example.org")).body)["host"] == "example.org"


@pytest.mark.native
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([b"X-Forwarded-For: 6.6.6.6"], id="For"),
        pytest.param([b"X-Forwarded-For: 6.6.6.6", b"X-Forwarded-For: 6.6.6.6"], id="For twice"),
        pytest.param([b"X-Forwarded-For: 6.6.6.6, 6.6.6.6,"], id="For list"),
        pytest.param([b"x-forwarded-FOR: 6.6.6.6", b"x-FORWARDED-proto: https"], id="other case"),
        pytest.param([b"X_Forwarded_For: 6.6.6.6", b"X_Forwarded_Proto: https"], id="underscores"),
        pytest.param([b"X-Forwarded-For: 6.6.6.6", b"Connection: X-Forwarded-For, X-Forwarded-Proto"], id="Connection"),
        pytest.param([b"X-Forwarded-Proto: https"], id="Proto"),
        pytest.param([b"X-Forwarded-Proto: https", b"X-Forwarded-Proto: https"], id="Proto twice"),
        pytest.param([b"X-Forwarded-Proto: http, https"], id="Proto list"),
        pytest.param([b"X-Forwarded-Host: evil", b"X-FORWARDED-HOST: evil"], id="Host"),
        pytest.param([b"X-Forwarded-Prefix: /evil", b"x-forwarded-prefix: /evil"], id="Prefix"),
        pytest.param([b"Forwarded: for=6.6.6.6;proto=https;host=evil", b"forwarded: host=evil"], id="Forwarded"),
        pytest.param([b"X-Forwarded-Host: evil", b"Connection: X-Forwarded-Host"], id="Connection names Host"),
    ],
)
def test_client_cannot_spoof_forwarded_headers(stack: Project, proxy: str, port: int, lines: list[bytes]) -> None:
    seen = json.loads(exchange(port, head("/request/", *lines)).body)

    assert seen["client"] == address_of_the_host(stack, proxy)
    assert (seen["scheme"], seen["host"], seen["pathBase"]) == ("http", "localhost", "")
    passed_on = {name.lower() for name in seen["headers"]}
    assert not passed_on & {"forwarded", "x-forwarded-host", "x-forwarded-prefix", "x-forwarded-proto"}


@pytest.mark.native
def test_websocket_echoes_and_closes(port: int) -> None:
    with WebSocket(port, "/echo-websocket") as websocket:
        websocket.send("héllo".encode())
        assert websocket.receive() == (TEXT, "héllo".encode())

        websocket.send((1000).to_bytes(2, "big"), CLOSE)
        assert websocket.receive_close() == 1000


def test_event_stream_is_not_buffered(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(head("/quiet-events?seconds=3", "Accept: text/event-stream", "Accept-Encoding: gzip"))
        received = b""
        while b"data: first\n\n" not in received:
            piece = connection.recv(65536)
            assert piece, received
            received += piece
        assert b"data: last" not in received
        while piece := connection.recv(65536):
            received += piece

    assert b"data: last" in received
    assert b"text/event-stream" in received
    assert b"content-encoding" not in received.lower()


@pytest.mark.native
def test_post_that_accepts_an_event_stream_keeps_its_body(port: int) -> None:
    body = b"x" * 100_000
    framing = f"Content-Length: {len(body)}"

    response = exchange(port, head("/echo", framing, "Accept: text/event-stream", method="POST") + body)

    assert (response.status, response.body) == (200, body)


@pytest.mark.native
def test_31_kb_of_cookies_reach_the_app(port: int) -> None:
    cookies = "; ".join(f"c{i}={'x' * 992}" for i in range(31))

    seen = json.loads(exchange(port, head("/request/", f"Cookie: {cookies}")).body)

    assert seen["headers"]["Cookie"] == cookies


@pytest.mark.native
@pytest.mark.parametrize("shape", ["headers", "header"])
def test_31_kb_of_response_headers_reach_the_client(port: int, shape: str) -> None:
    response = exchange(port, head(f"/response?{shape}=31000"))

    long = [value for name, value in response.headers.items() if name.startswith("x-long")]
    assert response.status == 200
    assert set("".join(long)) == {"x"}
    assert sum(map(len, long)) == (31_000 if shape == "header" else 31 * 988)


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "chunked"])
@pytest.mark.parametrize(("size", "status"), [(9 * MEGABYTE, 200), (11 * MEGABYTE, 413)])
def test_uploads_are_limited(port: int, size: int, status: int, chunked: bool) -> None:
    piece = b"x" * 50_000
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    body = [b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece] * (size // len(piece))

    response = upload(port, head("/echo", framing, method="POST"), [*body, b"0\r\n\r\n" if chunked else b""])

    assert response.status == status
    assert status != 200 or response.body == b"x" * size
