"""A million requests over twenty redeploys, then each fault under load: what failed, and for how long.

    make soak              all of it, a quarter of an hour, as root; writes the table into docs/faults.md
    make soak SHORT=1      a little of it, half a minute; only prints

Wants a machine that does nothing else. Fails where a redeploy lost a request, or where something did not come back.
"""

import argparse
import contextlib
import os
import re
import shutil
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from signal import SIGKILL, SIGSTOP, SIGTERM, Signals

from tests.testkit import engine, faults
from tests.testkit.bake import REPO, cookiecutter, edit
from tests.testkit.load import GOOD, Visitors
from tests.testkit.process import eventually, run
from tests.testkit.stack import Project, free_port, port_is_free, project

NAME = "uds-stack-soak"
DOCS = REPO / "docs" / "faults.md"
PAGES = ("Hello World!", "Hello again!")
GOOD_AGAIN = 200  # good answers in a row
STEADY = 11  # seconds after which the engine restarts a container at once; before, it waits longer each time
BEGIN = time.monotonic()


@dataclass
class Row:
    """A line of the table: what happened, once or several times."""

    fault: str
    requests: int = 0
    failed: int = 0
    outages: list[float] = field(default_factory=list)

    def add(self, visitors: Visitors) -> None:
        """Add what visitors saw of it."""
        self.requests += visitors.requests
        self.failed += visitors.failed
        self.outages.append(visitors.outage)

    def __str__(self) -> str:
        outages = [f"{outage * 1000:.0f}" for outage in (statistics.median(self.outages), max(self.outages))]
        outage = outages[0] if len(self.outages) == 1 else f"{outages[0]} ({outages[1]})"
        return f"| {self.fault} | {self.requests:,} | {self.failed:,} | {outage if self.failed else 0} |"


def say(text: str) -> None:
    """Print what is under way, with the seconds since the start."""
    print(f"{time.monotonic() - BEGIN:6.0f} s  {text}", flush=True)


def expect(holds: bool, what: str) -> None:
    """Give up where something is not so."""
    if not holds:
        raise SystemExit(f"not so: {what}")


# ---- Redeploys under load ----


@dataclass(frozen=True)
class Round:
    """Some redeploys under load that goes on for so many requests."""

    connections: Sequence[int]  # that GET, and as many that POST
    versions: int
    requests: int
    rate: int = 5000  # requests a second at most, so that a new version can be built meanwhile

    def __str__(self) -> str:
        connections = " and ".join(f"{number} + {number}" for number in self.connections)
        return f"new version of the app, {self.versions} times, on {connections} connections"


SHORT = [Round((1, 16, 256), 1, 10_000, rate=1500)]
MILLION = [Round((1,), 7, 340_000), Round((16,), 7, 340_000), Round((256,), 6, 340_000)]


class Load:
    """h2load, again and again until the end of the block: connections that GET, and as many that POST."""

    def __init__(self, port: int, body: Path, round_: Round) -> None:
        self.requests = self.failed = 0
        self._stop = False
        self._lock = threading.Lock()
        rate = round_.rate / 2 / len(round_.connections)
        urls = ([f"http://127.0.0.1:{port}/"], [f"--data={body}", f"http://127.0.0.1:{port}/echo"])
        self._threads = [
            threading.Thread(target=self._work, args=(connections, rate, *url))
            for connections in round_.connections
            for url in urls
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop = True
        for thread in self._threads:
            thread.join()

    def _work(self, connections: int, rate: float, *url: str) -> None:
        limits = ("-T60", "-N60", f"--rps={max(rate / connections, 1)}", f"-n{max(rate, connections):.0f}")
        while not self._stop:
            printed = run("h2load", "--h1", f"-c{connections}", *limits, *url, check=False).stdout
            total = re.search(r"^requests: (\d+) total", printed, re.MULTILINE)
            good = re.search(r"^status codes: (\d+) 2xx", printed, re.MULTILINE)
            with self._lock:
                self.requests += int(total[1]) if total else 1
                self.failed += int(total[1]) - int(good[1]) if total and good else 1


def redeploys(stack: Project, body: Path, round_: Round) -> Row:
    """Redeploy the app, its page another each time; no request may fail."""
    row = Row(str(round_))
    port = int(stack.environment["HTTP_PORT"])
    program = stack.root / "src" / stack.slug / "Program.cs"
    # The visitors compare each body, which h2load does not.
    with Visitors(port, 4, pages=[page.encode() for page in PAGES]) as visitors, Load(port, body, round_) as load:

        def progress(number: int) -> None:
            done, failed = load.requests + visitors.requests, load.failed + visitors.failed
            say(f"{round_}: {number} done, {done:,} requests, {failed} failed")

        for number in range(round_.versions):
            old, new = PAGES if PAGES[0] in program.read_text() else PAGES[::-1]
            edit(program, old, new)
            redeploy(stack)
            expect(stack.get().text == new, "the new version's page")
            progress(number + 1)
        while load.requests + visitors.requests < round_.requests:
            time.sleep(10)
            progress(round_.versions)
    row.add(visitors)
    row.requests += load.requests
    row.failed += load.failed
    return row


def redeploy(stack: Project, *what: str) -> None:
    """Run the project's own script."""
    run(sys.executable, "scripts/redeploy.py", *what, cwd=stack.root, env=stack.environment)


# ---- Faults ----


def crash(*services: str) -> Callable[[Project], None]:
    """Kill the main processes of services."""
    return lambda stack: faults.send(SIGKILL, *(faults.main_process(stack, service) for service in services))


def replace_h2o(stack: Project, *options: str) -> None:
    """Replace the container of H2O, some idle browsers connected."""
    with contextlib.ExitStack() as browsers:
        for _ in range(4):
            browsers.enter_context(idle_browser(stack))
        stack.compose("up", "--detach", "--force-recreate", *options, "h2o")


@contextlib.contextmanager
def idle_browser(stack: Project) -> Iterator[None]:
    """A connection that has had its page and stays open."""
    with socket.create_connection(("127.0.0.1", int(stack.environment["HTTP_PORT"]))) as browser:
        browser.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        expect(browser.recv(12) == b"HTTP/1.1 200", "a page for an idle browser")
        yield


def kill_by_hand(stack: Project) -> None:
    """`docker kill`, after which the engine leaves a container alone, and the command that brings it back."""
    stack.compose("kill", "app")
    stack.compose("up", "--detach")


def freeze(stack: Project) -> None:
    """Stop the app's process without ending it, and restart it as docs/faults.md says."""
    faults.send(SIGSTOP, faults.main_process(stack, "app"))
    stack.compose("restart", "--timeout=1", "app")


Fault = tuple[str, Callable[[Project], object]]

CRASHES: list[Fault] = [
    ("app killed", crash("app")),
    ("app killed by the kernel, out of memory", lambda stack: stack.get("/eat")),
    ("H2O's worker killed", lambda stack: faults.send(SIGKILL, *faults.workers(stack))),
    ("H2O killed", crash("h2o")),
    ("app and H2O killed at once", crash("app", "h2o")),
]
BY_HAND: list[Fault] = [
    ("`scripts/redeploy.py h2o`", lambda stack: redeploy(stack, "h2o")),
    ("`docker compose up -d --force-recreate h2o`, idle browsers connected", replace_h2o),
    ("the same with `--timeout 1`", lambda stack: replace_h2o(stack, "--timeout=1")),
    ("`docker compose kill app`, then `docker compose up -d`", kill_by_hand),
    ("app frozen, then `docker compose restart --timeout 1 app`", freeze),
    ("`docker compose restart app`", lambda stack: stack.compose("restart", "app")),
]


def suffer(stack: Project, row: Row, cause: Callable[[Project], object], network: Path | None = None) -> None:
    """Cause a fault under load, and wait until all is well again."""
    port = int(stack.environment["HTTP_PORT"])
    with Visitors(port, pages=[page.encode() for page in PAGES], network=network) as visitors:
        eventually(lambda: visitors.counts[GOOD] >= GOOD_AGAIN, "good answers")
        expect(not visitors.failed, f"no fault before the fault: {visitors.counts}")
        cause(stack)
        good = visitors.counts[GOOD]
        eventually(
            lambda: (
                visitors.counts[GOOD] >= good + GOOD_AGAIN
                and (not visitors.failed or visitors.good_since_fault >= GOOD_AGAIN)
            ),
            f"good answers after: {row.fault}",
            within=120,
        )
    row.add(visitors)
    say(f"{row.fault}: {visitors.requests:,} requests, {visitors.failed} failed, {visitors.outage * 1000:.0f} ms")
    stack.up()


def steady(stack: Project) -> bool:
    """Whether both containers have run long enough for the engine to restart them at once."""

    def since(service: str) -> float:
        started = str(faults.state(stack, service)["State"]["StartedAt"])  # type: ignore[index]
        return time.time() - datetime.fromisoformat(started[:19] + "+00:00").timestamp()

    return all(since(service) > STEADY for service in ("app", "h2o"))


def cause_each(stack: Project, causes: list[Fault], times: int) -> list[Row]:
    """Cause each fault so many times, one after the other."""
    rows = [Row(fault) for fault, _ in causes]
    for _ in range(times):
        for row, (_, cause) in zip(rows, causes, strict=True):
            eventually(lambda: times == 1 or steady(stack), "steady containers")
            suffer(stack, row, cause)
    return rows


def engine_faults(stack: Project, times: int) -> list[Row]:
    """Kill an engine of one's own under the stack, and restart it in order."""
    rows = [Row("Docker engine killed and started again"), Row("Docker engine restarted")]
    if reason := engine.missing():
        say(f"left out, {reason}: {', '.join(row.fault for row in rows)}")
        return []
    with engine.Engine(REPO / "build" / "engine") as own:
        own.copy_images(faults.IMAGE, f"{NAME}-h2o")
        moved = Project(stack.root, {**stack.environment, "DOCKER_HOST": own.host})
        moved.up()

        def restart(how: Signals) -> None:
            own.end(how)
            own.start()

        for _ in range(times):
            for row, how in zip(rows, (SIGKILL, SIGTERM), strict=True):
                suffer(moved, row, lambda _, how=how: restart(how), own.network)  # type: ignore[misc]
        moved.remove()
    return rows


# ---- The table ----


def machine(stack: Project) -> str:
    """What it ran on."""
    gib = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    h2o = stack.inside("h2o", "h2o", "--version").stdout.split()[2]
    return ", ".join(
        [
            f"{datetime.now(timezone.utc):%Y-%m-%d}",
            f"{os.cpu_count()} cores and {gib:.0f} GiB",
            f"Linux {'.'.join(os.uname().release.split('.')[:2])}",
            f"Docker {run('docker', 'version', '--format', '{{.Server.Version}}').stdout.strip()}",
            f"Compose {run('docker', 'compose', 'version', '--short').stdout.strip()}",
            f".NET {stack.inside('app', 'dotnet', '--list-runtimes').stdout.split()[1]}",
            f"H2O {h2o}",
        ]
    )


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    return "\n".join(
        ["| what happens | requests | failed | outage, ms |", "| --- | ---: | ---: | ---: |", *map(str, rows)]
    )


def write(text: str) -> None:
    """Put the table where docs/faults.md has it."""
    begin, end = "<!-- make soak -->\n", "<!-- the end of what make soak writes -->"
    before, _, rest = DOCS.read_text().partition(begin)
    DOCS.write_text(f"{before}{begin}\n{text}\n\n{end}{rest.partition(end)[2]}")


def main() -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a little of everything that needs no second engine")
    short = parser.parse_args().short
    folder = REPO / "build" / "soak"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "baked").mkdir(parents=True)
    say("baking a project")
    cookiecutter(REPO, folder / "baked", "project_name=Soak", "--accept-hooks=no")
    root = faults.add_pages(folder / "baked" / "soak", folder / "soak")
    stack = project(root, NAME, 18400 if port_is_free(18400) else free_port())
    body = folder / "body"
    body.write_bytes(os.urandom(1000))
    try:
        stack.up()
        rows = [redeploys(stack, body, round_) for round_ in (SHORT if short else MILLION)]
        times = 1 if short else 3
        rows += cause_each(stack, BY_HAND[:1], times)
        lost = sum(row.failed for row in rows)
        rows += cause_each(stack, CRASHES[:1] if short else BY_HAND[1:] + CRASHES, times)
        of_engine = [] if short else engine_faults(stack, times)
        rows += of_engine
        text = f"{table(rows)}\n\n{machine(stack)}."
    finally:
        stack.remove()
        shutil.rmtree(folder)
    print(f"\n{text}\n")
    if of_engine:  # without them the table is not whole
        write(text)
    if lost:
        print(f"FAILED: {lost} requests were lost where none may be")
    return bool(lost)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
