"""New versions of the app under load: no request may fail."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.report import say
from bench.soak.proxies import Proxy
from bench.soak.report import Row
from tests.testkit.bake import edit
from tests.testkit.command import UDS_STACK
from tests.testkit.h2load import H2load
from tests.testkit.load import Visitors
from tests.testkit.process import run
from tests.testkit.stack import Project

PAGES = ("Hello World!", "Hello again!")


@dataclass(frozen=True)
class Round:
    """Some deployments under load that goes on for so many requests."""

    connections: Sequence[int]  # that GET, and as many that POST
    versions: int
    requests: int
    rate: int  # requests a second at most

    def __str__(self) -> str:
        connections = " and ".join(f"{number} + {number}" for number in self.connections)
        return f"new version of the app, {times(self.versions)}, on {connections} connections"


ONE_EACH = 7  # deployments while each request has a connection of its own
SHORT = [Round((1, 16, 256), 1, 10_000, rate=1500)]
LONG = 68  # seconds' worth of requests in a round: a million in three at 5,000 a second


def long_rounds(rate: int) -> list[Round]:
    """Return twenty deployments at so many requests a second."""
    return [Round((number,), versions, LONG * rate, rate) for number, versions in ((1, 7), (16, 7), (256, 6))]


def deploy_under_load(stack: Project, round_: Round) -> Row:
    """Deploy the app several times, with another page each time."""
    row = Row(str(round_))
    port = int(stack.environment["HTTP_PORT"])
    # The visitors compare each body, which h2load does not.
    with (
        Visitors(port, 4, pages=[page.encode() for page in PAGES]) as visitors,
        H2load(port, round_.connections, round_.rate) as mass,
    ):

        def progress(number: int) -> None:
            requests, failed = mass.requests + visitors.requests, mass.failed + visitors.failed
            say(f"{round_}: {number} done, {requests:,} requests, {failed} failed")

        for number in range(round_.versions):
            put_new_version(stack)
            progress(number + 1)
        while mass.requests + visitors.requests < round_.requests:
            time.sleep(10)
            progress(round_.versions)
    row.add(visitors, mass)
    return row


def deploy_with_an_empty_pool(stack: Project, proxy: Proxy, versions: int) -> Row:
    """Deploy the app several times while neither the visitors nor the proxy reuse a connection.

    A busy proxy has open connections, which hold up the old version's end. A quiet one has none.
    """
    row = Row(f"new version of the app, {times(versions)}, one connection per request, no pool in {proxy.title}")
    config = stack.root / proxy.name / proxy.config
    pool, none = proxy.pool
    edit(config, pool, none)
    uds_stack(stack, "reload")
    with Visitors(
        int(stack.environment["HTTP_PORT"]), reuse=False, pages=[page.encode() for page in PAGES]
    ) as visitors:
        for _ in range(versions):
            put_new_version(stack)
    edit(config, none, pool)
    uds_stack(stack, "reload")
    row.add(visitors)
    say(f"{row.fault}: {visitors.requests:,} requests, {visitors.failed} failed")
    return row


def times(number: int) -> str:
    """Return how often, in words that fit."""
    return "once" if number == 1 else f"{number} times"


def put_new_version(stack: Project) -> None:
    """Edit the page, deploy the app and see the new page."""
    program = stack.root / "src" / stack.slug / "Program.cs"
    old, new = PAGES if PAGES[0] in program.read_text() else PAGES[::-1]
    edit(program, old, new)
    uds_stack(stack, "deploy")
    page = stack.get().text
    if page != new:
        raise SystemExit(f"after the deployment the page is {page!r}, expected {new!r}")


def uds_stack(stack: Project, *what: str) -> None:
    """Run a command of uds-stack on the stack."""
    run(*UDS_STACK, *what, cwd=stack.root, env=stack.environment)
