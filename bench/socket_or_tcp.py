"""Requests per second through H2O: to the app's Unix socket, and to the same app over TCP between the two containers.

    make bench      a minute and a half; prints a table

Both apps run at once, from one publish, and are asked in turn, so that what else the machine does falls on both. H2O
and the load share its cores: the ratio says more than the figures.
"""

import re
import shutil
import statistics

from tests.testkit import faults
from tests.testkit.bake import REPO, cookiecutter, edit
from tests.testkit.process import run
from tests.testkit.stack import Project, project

TIMES, SECONDS, CONNECTIONS = 7, 5, 64
WAYS = {"Unix socket": "/", "TCP": "/tcp/"}

# The same app on TCP, in H2O's network; and the path under which H2O asks it.
TCP_APP = f"""
services:
  tcp:
    image: {faults.IMAGE}
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


def measure(url: str) -> tuple[float, float]:
    """Requests per second, and the median time of one in milliseconds."""
    printed = run(
        "wrk", "--threads=1", f"--connections={CONNECTIONS}", f"--duration={SECONDS}s", "--latency", url
    ).stdout
    rate = re.search(r"Requests/sec: +([\d.]+)", printed)
    median = re.search(r" 50% +([\d.]+)(us|ms)", printed)
    if not rate or not median or "Non-2xx" in printed or "Socket errors" in printed:
        raise SystemExit(printed)
    return float(rate[1]), float(median[1]) / (1000 if median[2] == "us" else 1)


def main() -> None:
    """Bake, start, measure, print."""
    folder = REPO / "build" / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "baked").mkdir(parents=True)
    print("baking a project", flush=True)
    cookiecutter(REPO, folder / "baked", "project_name=Bench")
    root = folder / "baked" / "bench"
    (root / "compose.tcp.yaml").write_text(TCP_APP)
    edit(root / "h2o" / "h2o.conf", "    paths:\n", TCP_PATH)
    files = "compose.yaml:compose.override.yaml:compose.tcp.yaml"
    stack = Project(root, {**project(root, "uds-stack-bench").environment, "COMPOSE_FILE": files})
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    try:
        stack.up()
        for number in range(TIMES + 1):
            for way, path in WAYS.items():
                rate, median = measure(stack.url.replace("localhost", "127.0.0.1") + path)
                print(
                    f"{'to warm up' if not number else f'{number} of {TIMES}'}, {way}: {rate:,.0f} requests/s",
                    flush=True,
                )
                if number:
                    found[way].append((rate, median))
    finally:
        stack.remove()
        shutil.rmtree(folder)
    print(f"\n| H2O to the app, {CONNECTIONS} connections | requests/s, median of {TIMES} | median time, ms |")
    print("| --- | ---: | ---: |")
    rates = {way: statistics.median(rate for rate, _ in rounds) for way, rounds in found.items()}
    for way, rounds in found.items():
        print(f"| {way} | {rates[way]:,.0f} | {statistics.median(median for _, median in rounds):.2f} |")
    ratios = [unix / tcp for (unix, _), (tcp, _) in zip(*found.values(), strict=True)]
    print(f"\nUnix socket to TCP: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
