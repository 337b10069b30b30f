"""The proxy's access log: one JSON object a line on stdout, also for hostile requests."""

import json
import subprocess
from contextlib import suppress

import pytest

from tests.testkit.process import eventually
from tests.testkit.raw import connect, exchange, head
from tests.testkit.stack import Project

pytestmark = pytest.mark.engine

EVERY_BYTE = bytes(range(0x01, 0x100)).translate(None, b"\r\n")
HOSTILE = [
    head('/quotes"and\\backslashes?q="\\'),
    head("/brackets<>{}[]|^`?a={\"b\":1}"),
    head("/percent%22%5c%0a%00%ff"),
    b"GET /raw-\xff\xfe\xc3\x28 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET /utf-8-é中🚀 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode(),
    head("/", b'User-Agent: a "quoted" \\ agent\t'),
    head("/", b"User-Agent: \xff\xfe\xc3\x28\x80"),
    head("/", "User-Agent: é中🚀"),
    head("/", b"User-Agent: " + EVERY_BYTE),
    head("/", b"User-Agent: \x1b[31mred\x07\x7f\x01"),
    head("/", b"Referer: \xff\"\\\x01", b"Cookie: \xff\"\\\x01", b"X-Forwarded-For: \xff\"\\\x01"),
    head("/\x01\x1b\x7f"),
    head("/", host='evil"\\host'),
    b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\nConnection: close\r\n\r\n",
    b'G"\\T / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    b"\xff\xfe\x00\x01\r\n\r\n",
    b'GET /http-9 HTTP/"9.9\r\nHost: a\r\n\r\n',
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)),
]


def stdout(stack: Project, proxy: str) -> list[bytes]:
    """Return the lines that the proxy's container has written to stdout."""
    container = stack.compose("ps", "--all", "--quiet", proxy).stdout.strip()
    return subprocess.run(["docker", "logs", container], capture_output=True, check=True).stdout.split(b"\n")[:-1]


def expect_entry(stack: Project, proxy: str, path: bytes) -> None:
    """Wait until the access log has an entry of a path."""
    eventually(lambda: any(path in line for line in stdout(stack, proxy)), f"an entry of {path.decode()}")


def field(entry: dict[str, object], proxy: str, name: str) -> object:
    """Return a field of an entry; Caddy nests the method and the path."""
    if proxy != "caddy" or name == "status":
        return entry[name]
    request = entry["request"]
    assert isinstance(request, dict)
    return {"path": request["uri"], "method": request["method"]}[name]


def test_access_log_is_one_json_object_per_request_on_stdout(stack: Project, proxy: str, port: int) -> None:
    exchange(port, head("/no-such-page?a=b"))

    def entries() -> list[dict[str, object]]:
        return [json.loads(line) for line in stdout(stack, proxy) if b"/no-such-page?a=b" in line]

    eventually(entries, "an entry in the access log")
    assert [[field(entry, proxy, name) for name in ("method", "path", "status")] for entry in entries()] == [
        ["GET", "/no-such-page?a=b", 404]
    ]


def test_access_log_is_valid_json_and_utf_8_for_hostile_requests(stack: Project, proxy: str, port: int) -> None:
    for request in HOSTILE:
        with connect(port, timeout=5) as connection, suppress(OSError):
            connection.sendall(request)
            connection.shutdown(1)
            while connection.recv(65536):
                pass
    exchange(port, head("/after-the-hostile"))
    expect_entry(stack, proxy, b"/after-the-hostile")

    lines = stdout(stack, proxy)

    assert any(b"/quotes" in line for line in lines)
    for line in lines:
        assert isinstance(json.loads(line.decode()), dict), line
        # The engine replaces bytes that are not UTF-8 with this character.
        assert "\ufffd" not in line.decode(), line


def test_log_of_a_proxy_that_stops_is_complete(stack: Project, proxy: str, port: int) -> None:
    exchange(port, head("/just-before-the-stop"))
    try:
        stack.compose("stop", proxy)

        expect_entry(stack, proxy, b"/just-before-the-stop")
    finally:
        stack.recover()
