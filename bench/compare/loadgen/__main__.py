"""Run load when asked, and tell what it cost: one JSON object a line, questions on stdin and answers on stdout.

python3 -m loadgen NAME=CONTAINER ...

A question has `command`, the load, which may write the file `log`; or `path`, for one request to `address`.
"""

import contextlib
import http.client
import json
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

from .usage import Container, find, machine_us

CGROUPS = Path("/cgroup")
LOG = Path("/tmp/log")  # noqa: S108, in this container alone
LIMIT = 60  # seconds for which a load may run longer than it should


def main() -> None:
    """Answer until stdin ends."""
    words = [word.split("=") for word in sys.argv[1:]]
    containers = {name: find(CGROUPS, container) for name, container in words}
    for line in sys.stdin:
        question = json.loads(line)
        answer = run(containers, **question) if "command" in question else fetch(**question)
        print(json.dumps(answer), flush=True)


def run(containers: dict[str, Container], command: list[str], seconds: float) -> dict[str, object]:
    """Run a load; return its output, its log, and what it, each container and the machine used meanwhile."""
    LOG.unlink(missing_ok=True)
    before = used(containers)
    begin = time.monotonic()
    done = subprocess.run(  # noqa: S603
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds + LIMIT, check=False
    )
    took = time.monotonic() - begin
    after = used(containers)
    return {
        "code": done.returncode,
        "output": done.stdout + done.stderr,
        "log": LOG.read_text() if LOG.exists() else "",
        "seconds": took,
        "cpu_us": {name: after[name] - before[name] for name in after},
        "memory_bytes": {name: container.memory_bytes() for name, container in containers.items()},
    }


def used(containers: dict[str, Container]) -> dict[str, float]:
    """Return the processor time of each container, of the machine, and of the loads so far, in microseconds."""
    loads = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        **{name: container.cpu_us() for name, container in containers.items()},
        "generator": (loads.ru_utime + loads.ru_stime) * 1e6,
        "machine": machine_us(),
    }


class Caller(http.client.HTTPConnection):
    """An HTTP connection to HOST:PORT or unix:PATH."""

    def __init__(self, address: str) -> None:
        self._path = address.removeprefix("unix:") if address.startswith("unix:") else ""
        super().__init__("localhost" if self._path else address, timeout=10)

    def connect(self) -> None:
        """Connect to the address."""
        if not self._path:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def fetch(address: str, path: str, upload: str | None) -> dict[str, object]:
    """Send one request, with the file `upload` as its body; return the status and the body's length and text."""
    with contextlib.closing(Caller(address)) as caller:
        try:
            body = Path(upload).read_bytes() if upload else None
            caller.request("POST" if upload else "GET", path, body)
            response = caller.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            return {"status": 0, "length": 0, "text": repr(error)}
        return {"status": response.status, "length": len(text), "text": text[:100].decode(errors="replace")}


if __name__ == "__main__":
    main()
