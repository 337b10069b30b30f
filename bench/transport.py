"""Requests per second through H2O: to the app's Unix socket, and to the same app over TCP between the two containers.

Both apps run at once, from one publish, and are asked in turn, so that other load on the machine affects both. H2O and
the load generator share the machine's cores: the ratio says more than the rates.
"""

import re
import statistics
from pathlib import Path

from bench.report import markdown, ratio, say
from tests.testkit.bake import REPO, cookiecutter, edit
from tests.testkit.faults import IMAGE
from tests.testkit.process import run
from tests.testkit.stack import Project, project

TIMES, SECONDS, CONNECTIONS = 7, 5, 64
PATHS = {"Unix socket": "/", "TCP": "/tcp/"}

# The same app on TCP, in H2O's network, and the path under which H2O forwards to it.
TCP_APP = f"""
services:
  tcp:
    image: {IMAGE}
    working_dir: /app
    command: [dotnet, bench.dll]
    user: "1654:1654"
    environment: {{Socket__Path: "", ASPNETCORE_HTTP_PORTS: "8080"}}
    volumes: ["./publish:/app:ro"]
    mem_limit: 256m
"""
TCP_PATH = """    paths:
      /tcp/:
        - proxy.reverse.url: "http://tcp:8080/"
          proxy.preserve-host: ON
          proxy.timeout.keepalive: 2000
"""


def measure_rate(url: str) -> tuple[float, float]:
    """Return the requests per second, and the median latency in milliseconds."""
    options = ("--threads=1", f"--connections={CONNECTIONS}", f"--duration={SECONDS}s", "--latency")
    printed = run("wrk", *options, url).stdout
    rate = re.search(r"Requests/sec: +([\d.]+)", printed)
    median = re.search(r" 50% +([\d.]+)(us|ms)", printed)
    if not rate or not median or "Non-2xx" in printed or "Socket errors" in printed:
        raise SystemExit(printed)
    return float(rate[1]), float(median[1]) / (1000 if median[2] == "us" else 1)


def make_stack(folder: Path) -> Project:
    """Bake a project in `folder` whose app also runs on TCP."""
    cookiecutter(REPO, folder, "project_name=Bench")
    root = folder / "bench"
    (root / "compose.tcp.yaml").write_text(TCP_APP)
    edit(root / "h2o" / "h2o.conf", "    paths:\n", TCP_PATH)
    files = "compose.yaml:compose.override.yaml:compose.tcp.yaml"
    return Project(root, {**project(root, "uds-stack-bench").environment, "COMPOSE_FILE": files})


def measure(folder: Path) -> str:
    """Measure in an empty folder; return a Markdown table."""
    stack = make_stack(folder)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in PATHS}
    try:
        stack.up()
        for number in range(TIMES + 1):
            for name, path in PATHS.items():
                rate, latency = measure_rate(stack.url.replace("localhost", "127.0.0.1") + path)
                say(f"{f'{number} of {TIMES}' if number else 'warm-up'}, {name}: {rate:,.0f} requests/s")
                if number:
                    found[name].append((rate, latency))
    finally:
        stack.remove()
    rows = [
        [name, f"{statistics.median(rates):,.0f}", f"{statistics.median(latencies):.2f}", ""]
        for name, (rates, latencies) in ((name, zip(*rounds, strict=True)) for name, rounds in found.items())
    ]
    rows[0][-1] = ratio((unix, tcp) for (unix, _), (tcp, _) in zip(*found.values(), strict=True))
    headings = [f"H2O to the app, {CONNECTIONS} connections, median of {TIMES}", "requests/s", "latency, ms", "ratio"]
    return markdown(headings, rows)
