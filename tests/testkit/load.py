"""Visitors of a running stack: they ask again and again, GETs and POSTs in turn, and count every answer."""

from __future__ import annotations

import asyncio
import ctypes
import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from types import TracebackType

GOOD = "200"
AWAY = "502 with the page"  # H2O's own answer while the app is away
LIMIT = 10.0  # seconds for one answer; less than H2O waits for a frozen app

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Visitors:
    """Connections to 127.0.0.1 that ask until the end of the block; each answer's body is compared, too.

    A connection that is lost is opened again, and what was asked on it counts as failed: nothing is asked twice.
    """

    def __init__(
        self,
        port: int,
        connections: int = 16,
        *,
        pause: float = 0.02,
        pages: Collection[bytes] = (b"Hello World!",),
        network: Path | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.first_failed: float | None = None
        self.good_again: float | None = None
        self.good_since_fault = 0
        self.slowest = 0.0
        self._port, self._connections, self._pause, self._pages = port, connections, pause, pages
        self._network = network  # another network namespace than ours
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
        """How many were answered or lost so far."""
        return sum(self.counts.values())

    @property
    def failed(self) -> int:
        """How many of them were not good."""
        return self.requests - self.counts[GOOD]

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
        await asyncio.gather(*(self._ask_on(number) for number in range(self._connections)))

    async def _ask_on(self, number: int) -> None:
        connection: Connection | None = None
        generator = random.Random(number)
        await asyncio.sleep(generator.random() * self._pause)
        while not self._stop:
            number += 1
            body = generator.randbytes(generator.choice((0, 1, 100, 10_000, 50_000))) if number % 2 else None
            begin = time.monotonic()
            try:
                if not connection:
                    connection = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self._port), LIMIT)
                outcome, last = await asyncio.wait_for(self._ask(connection, body), LIMIT)
            except (OSError, EOFError, asyncio.TimeoutError) as error:
                outcome, last = type(error).__name__, True
            if connection and last:
                connection[1].close()
                connection = None
            self._count(begin, outcome)
            await asyncio.sleep(self._pause if connection else max(self._pause, 0.001))
        if connection:
            connection[1].close()
            with suppress(OSError):
                await connection[1].wait_closed()

    async def _ask(self, connection: Connection, body: bytes | None) -> tuple[str, bool]:
        reader, writer = connection
        line = "GET / HTTP/1.1" if body is None else f"POST /echo HTTP/1.1\r\nContent-Length: {len(body)}"
        writer.write(f"{line}\r\nHost: localhost\r\n\r\n".encode() + (body or b""))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        status, text = head[9:12].decode(), await read_body(reader, head)
        outcome = status
        if status == "200":
            outcome = GOOD if (text == body if body is not None else text in self._pages) else "200 with a wrong body"
        if status == "502":
            outcome = AWAY if b"Back in a moment" in text and b"\nretry-after:" in head else "502 without the page"
        return outcome, b"\nconnection: close" in head

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


def enter_network(path: Path) -> None:
    """Put this thread into another network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with path.open() as file:
        if libc.setns(file.fileno(), 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
