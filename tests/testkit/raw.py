"""HTTP over plain sockets: requests that an HTTP library would refuse to send, and their responses."""

import http.client
import select
import socket
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class RawResponse:
    """A response, read to its end; a header's name is in lower case, several of one name are joined."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode()


def connect(port: int, timeout: float = 40) -> socket.socket:
    """Return a connection to `port` of 127.0.0.1."""
    return socket.create_connection(("127.0.0.1", port), timeout=timeout)


def read_response(connection: socket.socket) -> RawResponse:
    """Return the next response of a connection."""
    with http.client.HTTPResponse(connection) as response:
        response.begin()
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            headers[name.lower()] = ", ".join(filter(None, (headers.get(name.lower()), value)))
        return RawResponse(response.status, headers, response.read())


def head(path: str, *headers: str | bytes, method: str = "GET", host: str = "localhost") -> bytes:
    """Return the head of a request that closes its connection."""
    lines: list[str | bytes] = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]
    return b"\r\n".join(line.encode() if isinstance(line, str) else line for line in lines)


def exchange(port: int, request: bytes, *, timeout: float = 40) -> RawResponse:
    """Send `request` on a new connection; return the response."""
    with connect(port, timeout) as connection:
        connection.sendall(request)
        return read_response(connection)


def upload(port: int, request: bytes, pieces: Iterable[bytes]) -> RawResponse:
    """Send `request` and its body; stop sending as soon as a response arrives, and return it."""
    with connect(port) as connection:
        connection.sendall(request)
        for piece in pieces:
            if select.select([connection], [], [], 0)[0]:
                break
            try:
                connection.sendall(piece)
            except ConnectionError:  # what was answered before can still be read
                break
        return read_response(connection)
