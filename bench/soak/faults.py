"""Faults under load: what each costs, and that the stack recovers from it."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from signal import SIGKILL, SIGSTOP, SIGTERM, Signals

from bench.report import say
from bench.soak.deployments import PAGES, uds_stack
from bench.soak.proxies import Proxy
from bench.soak.report import Row
from tests.testkit.bake import REPO
from tests.testkit.engine import Engine, missing
from tests.testkit.faults import main_process, send, state, workers
from tests.testkit.load import Visitors
from tests.testkit.process import eventually
from tests.testkit.stack import Project

RECOVERED = 200  # good answers in a row
STEADY = 11  # seconds after which the engine restarts a container at once; before, it waits longer each time

Fault = tuple[str, Callable[[Project], object]]


def crash(*services: str) -> Callable[[Project], None]:
    """Kill the main processes of services."""
    return lambda stack: send(SIGKILL, *(main_process(stack, service) for service in services))


def replace(stack: Project, service: str, *options: str) -> None:
    """Replace the proxy's container while four idle browsers are connected."""
    with contextlib.ExitStack() as browsers:
        for _ in range(4):
            browsers.enter_context(idle_browser(stack))
        stack.compose("up", "--detach", "--force-recreate", *options, service)


@contextlib.contextmanager
def idle_browser(stack: Project) -> Iterator[None]:
    """A connection that has had its page and stays open."""
    with socket.create_connection(("127.0.0.1", int(stack.environment["HTTP_PORT"]))) as browser:
        browser.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = browser.recv(12)
        if answer != b"HTTP/1.1 200":
            raise SystemExit(f"an idle browser got {answer!r}, expected a page")
        yield


def kill_by_hand(stack: Project) -> None:
    """`docker kill`, after which the engine does not restart the container, and the command that starts it again."""
    stack.compose("kill", "app")
    stack.compose("up", "--detach")


def freeze(stack: Project) -> None:
    """Stop the app's process without ending it, and restart it as docs/faults.md says."""
    send(SIGSTOP, main_process(stack, "app"))
    stack.compose("restart", "--timeout=1", "app")


def reload(proxy: Proxy) -> list[Fault]:
    """Load the proxy's configuration again."""
    return [("`uds-stack reload`", lambda stack: uds_stack(stack, "reload"))]


def commands(proxy: Proxy) -> list[Fault]:
    """Return what somebody may do by hand."""
    name = proxy.name
    return [
        (
            f"`docker compose up -d --force-recreate {name}`, idle browsers connected",
            lambda stack: replace(stack, name),
        ),
        ("the same with `--timeout 1`", lambda stack: replace(stack, name, "--timeout=1")),
        ("`docker compose kill app`, then `docker compose up -d`", kill_by_hand),
        ("app frozen, then `docker compose restart --timeout 1 app`", freeze),
        ("`docker compose restart app`", lambda stack: stack.compose("restart", "app")),
    ]


APP_KILLED: Fault = ("app killed", crash("app"))


def crashes(proxy: Proxy) -> list[Fault]:
    """Return the ways in which processes end."""
    name, title = proxy.name, proxy.title
    worker: Fault = (f"{title}'s worker killed", lambda stack: send(SIGKILL, workers(stack, name)[0]))
    return [
        APP_KILLED,
        ("app killed by the kernel, out of memory", lambda stack: stack.get("/eat")),
        *([worker] if proxy.has_workers else []),
        (f"{title} killed", crash(name)),
        (f"app and {title} killed at once", crash("app", name)),
    ]


def cause(stack: Project, row: Row, fault: Callable[[Project], object], network: Path | None = None) -> None:
    """Cause a fault under load, and wait until the stack has recovered."""
    port = int(stack.environment["HTTP_PORT"])
    with Visitors(port, pages=[page.encode() for page in PAGES], network=network) as visitors:
        eventually(lambda: visitors.good >= RECOVERED, "good answers")
        if visitors.failed:
            raise SystemExit(f"requests failed before the fault: {visitors.bad}")
        fault(stack)
        good = visitors.good
        eventually(
            lambda: (
                visitors.good >= good + RECOVERED and (not visitors.failed or visitors.good_since_fault >= RECOVERED)
            ),
            f"good answers after: {row.fault}",
            within=120,
        )
    row.add(visitors)
    say(f"{row.fault}: {visitors.requests:,} requests, {visitors.failed} failed, {visitors.outage * 1000:.0f} ms")
    stack.up()


def steady(stack: Project, proxy: Proxy) -> bool:
    """Whether both containers have run long enough for the engine to restart them at once."""

    def since(service: str) -> float:
        started = str(state(stack, service)["State"]["StartedAt"])  # type: ignore[index]
        return time.time() - datetime.fromisoformat(started[:19] + "+00:00").timestamp()

    return all(since(service) > STEADY for service in ("app", proxy.name))


def cause_each(stack: Project, proxy: Proxy, faults: list[Fault], times: int) -> list[Row]:
    """Cause each fault so many times, one after the other."""
    rows = [Row(name) for name, _ in faults]
    for _ in range(times):
        for row, (_, fault) in zip(rows, faults, strict=True):
            eventually(lambda: times == 1 or steady(stack, proxy), "steady containers")
            cause(stack, row, fault)
    return rows


def kill_engine(stack: Project, proxy: Proxy, times: int) -> list[Row]:
    """Kill a second engine under the stack, and restart it in order; without rows where none can be started."""
    rows = [Row("Docker engine killed and started again"), Row("Docker engine restarted")]
    if reason := missing():
        say(f"left out, {reason}: {', '.join(row.fault for row in rows)}")
        return []
    with Engine(REPO / "build" / "engine") as engine:
        engine.copy_images(*stack.compose("config", "--images").stdout.split())
        moved = Project(stack.root, {**stack.environment, "DOCKER_HOST": engine.host})
        moved.up()

        def restart(how: Signals) -> None:
            engine.end(how)
            engine.start()

        for _ in range(times):
            for row, how in zip(rows, (SIGKILL, SIGTERM), strict=True):
                cause(moved, row, lambda _, how=how: restart(how), engine.network)  # type: ignore[misc]
        moved.remove()
    return rows
