"""Send an odd request to a proxy, and tell what the client and the app saw of it."""

import io
import json
import re
import socket
import urllib.request
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path

import yaml

from tests.testkit.raw import connect
from tests.testkit.stack import Project

# Sent after each request. The app receives it where the proxy keeps the connection open and in step with the client.
LAST = "GET ~/last HTTP/1.1|Host: a|Connection: close||"


@dataclass(frozen=True)
class Case:
    """A request of odd_requests.yaml, with what each proxy makes of it."""

    name: str
    request: str
    expected: dict[str, str]
    shows: tuple[str, ...] = ()
    breaks_off: bool = False

    @property
    def path(self) -> str:
        """The path that belongs to this case."""
        return f"/odd/{self.name}"

    def data(self) -> bytes:
        """Return what the client sends."""
        text = re.sub(r"\{(.+?)\*(\d+)\}", lambda found: found[1] * int(found[2]), self.request)
        text = text.replace("~", self.path).replace("|", "\r\n")
        text = text.replace("LENGTH", str(len(text.partition("\r\n\r\n")[2])))
        last = LAST.replace("~", self.path).replace("|", "\r\n")
        return (text if self.breaks_off else text + last).encode("latin-1")


def load_cases() -> list[Case]:
    """Read the cases of odd_requests.yaml."""
    cases = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
    return [
        Case(
            name,
            case.pop("request"),
            shows=tuple(case.pop("shows", ())),
            breaks_off=case.pop("breaks_off", False),
            expected=case,
        )
        for name, case in cases.items()
    ]


@dataclass(frozen=True)
class Arrival:
    """A request as the app received it; `body` is None where it did not come to its end."""

    number: int
    method: str
    target: str
    scheme: str
    headers: dict[str, str]
    body: str | None

    def describe(self, case: Case) -> str:
        """Return the request in the notation of odd_requests.yaml."""
        if self.target == f"{case.path}/last":
            return "last"
        headers = {name.lower(): value for name, value in self.headers.items()} | {"scheme": self.scheme}
        shown = [f"{name}={headers[name.lower()]}" for name in case.shows if name.lower() in headers]
        body = [json.dumps(self.body)] if self.body else []
        return " ".join([self.method, self.target, *shown, *body]).replace(case.path, "~")


def arrivals(url: str, after: int) -> list[Arrival]:
    """Return the requests that reached the app after a numbered one."""
    with urllib.request.urlopen(f"{url}/recorded?after={after}", timeout=10) as answer:
        return [Arrival(**entry) for entry in json.load(answer)]


def exchange(port: int, request: bytes, *, breaks_off: bool = False) -> bytes:
    """Send bytes to the proxy, and return what it sends until it closes the connection."""
    received = b""
    with connect(port) as client:
        try:
            client.sendall(request)
            if breaks_off:
                client.shutdown(socket.SHUT_WR)
            while part := client.recv(65536):
                received += part
        except ConnectionError:
            pass  # closed before all was sent
    return received


class _Responses(io.BytesIO):
    """Received bytes, as a socket from which http.client reads one response after the other."""

    def makefile(self, mode: str) -> "_Responses":
        """Return the stream itself."""
        return self

    def close(self) -> None:
        """Stay open for the next response."""


def read_statuses(received: bytes) -> list[str]:
    """Return the status of each response, as a client reads one after the other."""
    statuses: list[str] = []
    stream = _Responses(received)
    while rest := received[stream.tell() :]:
        if rest.startswith(b"HTTP/1.1 100"):
            if statuses[-1:] != ["100"]:  # Caddy sends its own, and sometimes the app's besides
                statuses.append("100")
            stream.seek(rest.index(b"\r\n\r\n") + 4, io.SEEK_CUR)
            continue
        response = HTTPResponse(stream)  # type: ignore[arg-type]
        response.begin()
        response.read()
        statuses.append(str(response.status))
    return statuses


def answered(received: bytes) -> list[int]:
    """Return the numbers of the requests that the app answered."""
    return [int(number) for number in re.findall(rb"\r\nx-recorded: (\d+)\r\n", received, re.IGNORECASE)]


def observe(stack: Project, case: Case) -> tuple[str, list[int], list[int]]:
    """Send the request; return what was seen of it, and the numbers of the requests that arrived and were answered."""
    before = max((arrival.number for arrival in arrivals(stack.url, 0)), default=0)
    received = exchange(int(stack.environment["HTTP_PORT"]), case.data(), breaks_off=case.breaks_off)
    # The app fails to read a request without its end.
    arrived = [arrival for arrival in arrivals(stack.url, before) if arrival.body is not None]
    # Whether the client still gets an answer after it broke off is a matter of milliseconds.
    statuses = [] if case.breaks_off else read_statuses(received)
    seen = " | ".join([" ".join(statuses), *(arrival.describe(case) for arrival in arrived)])
    return seen, [arrival.number for arrival in arrived], answered(received)
