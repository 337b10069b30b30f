"""Ask an echo over websockets, one message at a time on each connection; print what came back as JSON.

python3 -m loadgen.websockets ADDRESS PATH CONNECTIONS SECONDS

ADDRESS is HOST:PORT or unix:PATH. Each message is a text of 12 bytes; every answer is compared.
"""

import json
import selectors
import socket
import sys
import time

TEXT = b"Hello World!"
MASK = b"\x5a\xa5\x3c\xc3"
# RFC 6455: a final text frame, masked, and the server's, which is not.
FRAME = bytes((0x81, 0x80 | len(TEXT))) + MASK + bytes(byte ^ MASK[i % 4] for i, byte in enumerate(TEXT))
ECHO = bytes((0x81, len(TEXT))) + TEXT
LIMIT = 10.0  # seconds without any answer


def connect(address: str, path: str) -> socket.socket:
    """Open a websocket. Raises ConnectionError where the server does not switch protocols."""
    if address.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(LIMIT)
        connection.connect(address.removeprefix("unix:"))
    else:
        host, _, port = address.rpartition(":")
        connection = socket.create_connection((host, int(port)), LIMIT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="
    upgrade = "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade"
    connection.sendall(f"GET {path} HTTP/1.1\r\n{upgrade}\r\n{key}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n") and (piece := connection.recv(1)):
        head += piece
    if not head.startswith(b"HTTP/1.1 101 "):
        raise ConnectionError(f"no websocket: {head[:80]!r}")
    return connection


def echo(connections: list[socket.socket], seconds: float) -> tuple[int, int, float]:
    """Exchange messages for so long; return the number of right answers and of failed ones, and the seconds."""
    good = failed = 0
    by_number = {connection.fileno(): connection for connection in connections}
    parts: dict[int, bytes] = {}  # of answers that have not come completely
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
            connection.sendall(FRAME)
        begin = time.monotonic()
        while time.monotonic() < begin + seconds and selector.get_map():
            events = selector.select(LIMIT)
            if not events:
                return good, failed + len(selector.get_map()), time.monotonic() - begin
            for key, _ in events:
                data = parts.pop(key.fd, b"") + by_number[key.fd].recv(4096)
                if data == ECHO:
                    good += 1
                    by_number[key.fd].sendall(FRAME)
                elif data and ECHO.startswith(data):
                    parts[key.fd] = data
                else:
                    failed += 1
                    selector.unregister(key.fileobj)
        return good, failed, time.monotonic() - begin


def main() -> None:
    """Run the load that the command line describes."""
    address, path, number, seconds = sys.argv[1:]
    connections = [connect(address, path) for _ in range(int(number))]
    good, failed, took = echo(connections, float(seconds))
    print(json.dumps({"good": good, "failed": failed, "seconds": took}))


if __name__ == "__main__":
    main()
