"""A small client for websockets (RFC 6455): text in one frame, and the close."""

import os
import socket
from types import TracebackType

from tests.testkit.raw import connect

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class WebSocket:
    """A websocket to a path of 127.0.0.1, open until the end of the block; pings are answered while it is read."""

    def __init__(self, port: int, path: str, *headers: str, timeout: float = 40) -> None:
        self.connection: socket.socket = connect(port, timeout)
        fields = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", *headers)
        key = "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="
        lines = [f"GET {path} HTTP/1.1", f"Host: localhost:{port}", *fields, key, "", ""]
        self.connection.sendall("\r\n".join(lines).encode())
        self._reader = self.connection.makefile("rb")
        self.status = int(self._reader.readline().split()[1])
        while self._reader.readline().strip():
            pass

    def __enter__(self) -> "WebSocket":
        assert self.status == 101, self.status
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()
        self.connection.close()

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Send a message of at most 125 bytes, or a control frame."""
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.connection.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + masked)

    def receive(self) -> tuple[int, bytes]:
        """Return the opcode and payload of the next frame that is no ping or pong; raise EOFError at the end."""
        while True:
            opcode, length = self._read(1)[0] & 0x0F, self._read(1)[0]
            if length >= 126:
                length = int.from_bytes(self._read(2 if length == 126 else 8), "big")
            payload = self._read(length)
            if opcode == PING:
                self.send(payload, PONG)
            elif opcode != PONG:
                return opcode, payload

    def receive_close(self) -> int:
        """Skip messages until the close frame and return its code; 1006 where the connection ends without one."""
        try:
            while True:
                opcode, payload = self.receive()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big") if payload else 1005
        except (EOFError, ConnectionError):
            return 1006

    def _read(self, count: int) -> bytes:
        data = self._reader.read(count)
        if len(data) < count:
            raise EOFError("the websocket ended without a close frame")
        return data
