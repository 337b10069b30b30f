"""h2load on a running stack, where the number of requests matters."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Sequence

from tests.testkit.process import run

CONNECTION_LIMIT = 900  # requests: nginx closes a connection after 1,000 (keepalive_requests)
RUN = 10  # seconds: a closed connection holds a port of docker-proxy for a minute, and there are 28,000


class H2load:
    """h2load until the end of the block: so many connections that GET /, and as many that POST 1,000 bytes to /echo.

    Several numbers of connections run at once. `rate` bounds the requests per second of all of them together. Judged
    by the status code alone.
    """

    def __init__(self, port: int, connections: Sequence[int], rate: float) -> None:
        self.requests = self.failed = 0
        self._url = f"http://127.0.0.1:{port}"
        self._stop = False
        self._lock = threading.Lock()
        self._body = tempfile.NamedTemporaryFile()  # noqa: SIM115, closed where the block ends
        share = rate / 2 / len(connections)
        kinds = ([f"{self._url}/"], [f"--data={self._body.name}", f"{self._url}/echo"])
        self._threads = [
            threading.Thread(target=self._work, args=(number, share, *kind)) for number in connections for kind in kinds
        ]

    def __enter__(self) -> H2load:
        self._body.write(os.urandom(1000))
        self._body.flush()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop = True
        for thread in self._threads:
            thread.join()
        self._body.close()

    def _work(self, connections: int, rate: float, *kind: str) -> None:
        # In one run, since it fails the rest of a run whose connections are closed several times.
        number = min(RUN * max(rate, connections), CONNECTION_LIMIT * connections)
        limits = ("-T60", "-N60", f"--rps={max(rate / connections, 1)}", f"-n{number:.0f}")
        while not self._stop:
            printed = run("h2load", "--h1", f"-c{connections}", *limits, *kind, check=False).stdout
            total = re.search(r"^requests: (\d+) total", printed, re.MULTILINE)
            good = re.search(r"^status codes: (\d+) 2xx", printed, re.MULTILINE)
            if not total or not good or total[1] != good[1]:
                print(f"h2load, {connections} connections: {printed[-600:]}", flush=True)
            with self._lock:
                self.requests += int(total[1]) if total else 1
                self.failed += int(total[1]) - int(good[1]) if total and good else 1
