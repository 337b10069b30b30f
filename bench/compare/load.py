"""Ask a stack with its load generator, and judge the answers."""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, cast

from bench.compare.workloads import UPLOAD, Workload

LOG = "/tmp/log"  # noqa: S108, in the generator's container, as is the next one
UPLOAD_FILE = "/tmp/upload"  # noqa: S108
PERCENTILES = {"p50_ms": 0.5, "p99_ms": 0.99, "p999_ms": 0.999}


@dataclass(frozen=True)
class Counted:
    """What a load generator counted."""

    good: int
    failed: int
    rate: float  # good answers a second


@dataclass(frozen=True)
class Sample:
    """What one visit to a cell measured. Processor times are microseconds per request."""

    round: int
    variant: str
    workload: str
    requests: int
    rate: float
    proxy_us: float
    app_us: float
    machine_us: float
    without_generator_us: float
    proxy_mib: float
    app_mib: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    p999_ms: float | None = None


def command(workload: Workload, address: str, seconds: float) -> list[str]:
    """Return the program that asks an address, HOST:PORT or unix:PATH, for so long."""
    connections = str(workload.connections)
    if workload.websocket:
        return ["python3", "-m", "loadgen.websockets", address, workload.path, connections, str(seconds)]
    url, server = f"http://{address}{workload.path}", []
    if address.startswith("unix:"):
        url, server = f"http://localhost{workload.path}", [f"--base-uri={address}"]
    data = [f"--data={UPLOAD_FILE}"] if workload.upload else []
    # nginx closes a connection after 1,000 requests. With --duration h2load opens another one and fails none.
    limits = open_loop(workload, workload.rate, seconds) if workload.rate else [f"--duration={round(seconds * 1000)}ms"]
    return ["h2load", "--h1", f"--clients={connections}", *limits, *server, *data, url]


def open_loop(workload: Workload, rate: int, seconds: float) -> list[str]:
    """Return h2load's options for a fixed rate, whatever the answers take."""
    # Each connection sends at its own pace. One that still waits for an answer sends late, and h2load counts from the
    # sending: its log does not hold that wait. It takes an answer that is slower than the pace, 64 ms at 1,000
    # requests/s on 64 connections. Where that is frequent, the rate of the answers is lower than the one offered.
    # Connections open one after the other (--rate): opened at once, all would send at the same moments.
    gap, rest = divmod(1000, rate)
    if rest:
        raise ValueError(f"h2load opens connections in whole milliseconds, {rate} a second cannot be offered")
    pace = [f"--rps={rate / workload.connections}", "--rate=1", f"--rate-period={gap}ms"]
    requests = max(round(rate * seconds), workload.connections)  # h2load wants one for each connection
    return [f"--requests={requests}", *pace, f"--log-file={LOG}"]


def parse_h2load(output: str) -> Counted:
    """Return what h2load printed. An answer without a status 2xx counts as failed."""
    rate = re.search(r"^finished in [\d.]+m?s, ([\d.]+) req/s", output, re.MULTILINE)
    total = re.search(r"^requests: .* (\d+) done, (\d+) succeeded, (\d+) failed", output, re.MULTILINE)
    status = re.search(r"^status codes: (\d+) 2xx", output, re.MULTILINE)
    if not rate or not total or not status:
        return Counted(0, 1, 0)
    good = min(int(total[2]), int(status[1]))
    return Counted(good, max(int(total[3]), int(total[1]) - good), float(rate[1]))


def parse_websockets(output: str) -> Counted:
    """Return what loadgen/websockets.py printed."""
    try:
        found = json.loads(output)
    except ValueError:
        return Counted(0, 1, 0)
    return Counted(found["good"], found["failed"], found["good"] / found["seconds"])


def latencies_ms(log: str) -> list[float]:
    """Return the sorted milliseconds of the requests in h2load's log: start, status and microseconds in each line."""
    rows = [row.split("\t") for row in log.splitlines()]
    if bad := sorted({row[1] for row in rows if row[1] != "200"}):
        raise ValueError(f"statuses {', '.join(bad)} are in h2load's log, expected 200 alone")
    return sorted(int(row[2]) / 1000 for row in rows)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of sorted numbers that so large a share of them does not exceed."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


class LoadError(Exception):
    """A request failed, so that a cell's figures mean nothing."""


class Generator:
    """The load generator in its container, which reads the cgroups of others. Close it."""

    def __init__(self, container: str, address: str, watched: Mapping[str, str]) -> None:
        """Take its container, the address to ask, and the ids of the containers `proxy` and `app`, or `app` alone."""
        self.address = address
        self._process = subprocess.Popen(  # noqa: S603
            ["docker", "exec", "--interactive", container, "python3", "-m", "loadgen"]
            + [f"{name}={id_}" for name, id_ in watched.items()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C does not reach it
        )

        self._questions = cast("IO[str]", self._process.stdin)
        self._answers = cast("IO[str]", self._process.stdout)

    def close(self) -> None:
        """End it."""
        with suppress(OSError):
            self._questions.close()
        self._process.wait(timeout=60)
        self._answers.close()

    def fetch(self, workload: Workload) -> str:
        """Send one request and return what is wrong with the answer; an empty text if nothing is."""
        upload = UPLOAD_FILE if workload.upload else None
        answer = self._ask({"address": self.address, "path": workload.path, "upload": upload})
        if answer["status"] != 200 or answer["length"] != workload.length:
            return f"{workload.path} is answered with {answer}, expected 200 and {workload.length} bytes"
        if workload.upload and answer["text"] != str(UPLOAD):
            return f"{workload.path} is answered with {answer['text']}, expected {UPLOAD}"
        return ""

    def load(self, workload: Workload, seconds: float) -> tuple[Any, Counted]:
        """Ask for so long; return the generator's answer and its count. Raises LoadError where a request failed."""
        answer = self._ask({"command": command(workload, self.address, seconds), "seconds": seconds})
        parse = parse_websockets if workload.websocket else parse_h2load
        counted = parse(answer["output"])
        if answer["code"] or counted.failed:
            raise LoadError(f"{counted.failed} requests failed, {counted.good} were answered:\n{answer['output']}")
        return answer, counted

    def visit(self, round_: int, variant: str, workload: Workload, seconds: float) -> Sample:
        """Measure a cell. Raises LoadError where a request failed, or none was answered."""
        answer, counted = self.load(workload, seconds)
        if not counted.good:
            raise LoadError(f"no request was answered in {seconds:g} s")
        try:
            times = latencies_ms(answer["log"])
        except ValueError as error:
            raise LoadError(str(error)) from error
        cpu = {name: used / counted.good for name, used in answer["cpu_us"].items()}
        memory = {name: used / 2**20 for name, used in answer["memory_bytes"].items()}
        return Sample(
            round=round_,
            variant=variant,
            workload=workload.name,
            requests=counted.good,
            rate=counted.rate,
            proxy_us=cpu.get("proxy", 0),
            app_us=cpu["app"],
            machine_us=cpu["machine"],
            without_generator_us=cpu["machine"] - cpu["generator"],
            proxy_mib=memory.get("proxy", 0),
            app_mib=memory["app"],
            **{name: percentile(times, share) for name, share in PERCENTILES.items() if times},
        )

    def _ask(self, question: Mapping[str, object]) -> Any:
        self._questions.write(json.dumps(question) + "\n")
        self._questions.flush()
        line = self._answers.readline()
        if not line:
            raise LoadError("the load generator ended; its error is above")
        return json.loads(line)
