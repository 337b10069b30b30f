"""Visitors of a running stack, which judge every answer."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import ssl
import threading
import time
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol

from tests.testkit.engine import enter_network

GOOD = "200"
AWAY = "502 with the page"  # H2O's own answer while the app is away
LIMIT = 10.0  # seconds for one answer; less than H2O waits for a frozen app

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Load(Protocol):
    """What every load counts, while it runs and afterwards."""

    @property
    def requests(self) -> int:
        """The number of requests that were answered or lost."""

    @property
    def failed(self) -> int:
        """The number of those that were lost or got a wrong answer."""


class Visitors:
    """Connections that send GET / and POST /echo in turn until the end of the block, and compare each answer's body.

    `server` is a port of 127.0.0.1, with `tls` one for https, whatever its certificate; or the path of a Unix socket.
    `pages` are the bodies that GET / may return; None allows every body but an empty one. `slow` further connections
    send GET /slow?seconds=1.5. Each connection pauses after an answer. With `reuse=False` each request has a connection
    of its own. `network` is the file of another network namespace to connect in. A lost connection is opened again; the
    request on it counts as failed and is not repeated.
    """

    def __init__(
        self,
        server: int | Path,
        connections: int = 16,
        *,
        slow: int = 0,
        reuse: bool = True,
        pause: float = 0.02,
        pages: Collection[bytes] | None = (b"Hello World!",),
        network: Path | None = None,
        tls: bool = False,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.first_failed: float | None = None
        self.good_again: float | None = None
        self.good_since_fault = 0
        self.slowest = 0.0
        self._server, self._connections, self._slow = server, connections, slow
        self._reuse, self._pause, self._pages, self._network = reuse, pause, pages, network
        self._tls = ssl._create_unverified_context() if tls else None
        self._waiting = set(range(connections + slow))  # the connections without any answer so far
        self._last_failed = 0.0
        self._stop = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Visitors:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop = True
        self._thread.join()
        if self._error:
            raise self._error

    @property
    def requests(self) -> int:
        """The number of requests that were answered or lost."""
        return sum(self.counts.values())

    @property
    def good(self) -> int:
        """The number of right answers."""
        return self.counts[GOOD]

    @property
    def bad(self) -> Counter[str]:
        """Everything else, by its kind."""
        return Counter({kind: count for kind, count in self.counts.items() if kind != GOOD})

    @property
    def failed(self) -> int:
        """The number of requests that were lost or got a wrong answer."""
        return self.requests - self.good

    @property
    def started(self) -> bool:
        """Whether each connection has had an answer."""
        return not self._waiting

    @property
    def outage(self) -> float:
        """Seconds from the first failed request to the first good one: the answer to one sent after the last failed."""
        if self.first_failed is None:
            return 0
        return (self.good_again or time.monotonic()) - self.first_failed

    def _work(self) -> None:
        try:
            if self._network:
                enter_network(self._network)
            asyncio.run(self._visit())
        except BaseException as error:  # a mistake in this file, to be raised where it is seen
            self._error = error

    async def _visit(self) -> None:
        await asyncio.gather(*(self._ask_on(number) for number in range(self._connections + self._slow)))

    async def _ask_on(self, number: int) -> None:
        connection: Connection | None = None
        generator = random.Random(number)
        await asyncio.sleep(generator.random() * self._pause)
        for count in itertools.count(number):
            if self._stop:
                break
            line, body, right = self._choose(number, count, generator)
            begin = time.monotonic()
            try:
                if not connection:
                    connection = await asyncio.wait_for(self._connect(), LIMIT)
                outcome, last = await asyncio.wait_for(self._ask(connection, line, body, right), LIMIT)
            except (OSError, EOFError, asyncio.TimeoutError) as error:
                outcome, last = type(error).__name__, True
            if connection and (last or not self._reuse):
                connection[1].close()
                connection = None
            self._count(begin, outcome)
            self._waiting.discard(number)
            await asyncio.sleep(self._pause if connection else max(self._pause, 0.001))
        if connection:
            connection[1].close()
            with suppress(OSError):
                await connection[1].wait_closed()

    async def _connect(self) -> Connection:
        if isinstance(self._server, Path):
            return await asyncio.open_unix_connection(self._server)
        return await asyncio.open_connection("127.0.0.1", self._server, ssl=self._tls)

    def _choose(self, number: int, count: int, generator: random.Random) -> tuple[str, bytes, Collection[bytes] | None]:
        """Choose the next request of a connection: its line, its body and the right bodies of the response."""
        if number >= self._connections:
            return "GET /slow?seconds=1.5", b"", (b"slow",)
        if count % 2:
            return "GET /", b"", self._pages
        body = generator.randbytes(generator.choice((0, 1, 100, 10_000, 50_000)))
        return "POST /echo", body, (body,)

    async def _ask(
        self, connection: Connection, line: str, body: bytes, right: Collection[bytes] | None
    ) -> tuple[str, bool]:
        """Send a request and read its response; return the outcome, and whether the response closes the connection."""
        reader, writer = connection
        head = f"{line} HTTP/1.1\r\nHost: localhost\r\n"
        head += "" if line.startswith("GET") else f"Content-Length: {len(body)}\r\n"
        head += "" if self._reuse else "Connection: close\r\n"
        writer.write(f"{head}\r\n".encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        status, text = answer[9:12].decode(), await read_body(reader, answer)
        outcome = status
        if status == "200":
            outcome = GOOD if (text in right if right is not None else text) else "200 with a wrong body"
        if status == "502":
            outcome = AWAY if b"Back in a moment" in text and b"\nretry-after:" in answer else "502 without the page"
        return outcome, b"\nconnection: close" in answer

    def _count(self, begin: float, outcome: str) -> None:
        now = time.monotonic()
        self.slowest = max(self.slowest, now - begin)
        self.counts[outcome] += 1
        if outcome != GOOD:
            self.first_failed = self.first_failed or begin
            self._last_failed = max(self._last_failed, begin)
            self.good_again = None
            self.good_since_fault = 0
        elif self.first_failed and begin > self._last_failed:
            self.good_again = self.good_again or now
            self.good_since_fault += 1


async def read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """Read the body of a response, the head of which is in lower case."""
    if length := re.search(rb"\ncontent-length: *(\d+)", head):
        return await reader.readexactly(int(length[1]))
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:size]
    await reader.readuntil(b"\r\n")
    return body
