"""Crashes under load: what the visitors see, and that all comes back without a hand where it can."""

import time
from concurrent.futures import ThreadPoolExecutor
from signal import SIGCONT, SIGKILL, SIGSTOP

import pytest

from tests.testkit.app import socket_command
from tests.testkit.faults import main_process, restarts, send, state, status, workers
from tests.testkit.load import AWAY, GOOD, Visitors
from tests.testkit.process import eventually, run
from tests.testkit.stack import ROOT, Project, run_beside

pytestmark = pytest.mark.engine

LOST = {"IncompleteReadError", "ConnectionResetError", "BrokenPipeError"}  # a connection that ended before its answer
NOBODY = LOST | {"ConnectionRefusedError"}  # nobody listens while H2O is away


FEW, MANY = (pytest.param(number, marks=pytest.mark.test_all) for number in (1, 256))
CONNECTIONS = [FEW, 16, MANY]


def visit(stack: Project, connections: int = 16) -> Visitors:
    """Begin to ask, at most 800 times a second whatever the number of connections."""
    return Visitors(int(stack.environment["HTTP_PORT"]), connections, pause=connections / 800)


def came_back(visitors: Visitors) -> bool:
    """Whether there was a fault and then 200 good answers, and no bad one among them."""
    return visitors.failed > 0 and visitors.good_since_fault >= 200


@pytest.mark.native
@pytest.mark.parametrize("connections", CONNECTIONS)
def test_killed_app_restarts_behind_the_502_page(faulty_stack: Project, connections: int) -> None:
    before = restarts(faulty_stack, "app")
    with visit(faulty_stack, connections) as visitors:
        send(SIGKILL, main_process(faulty_stack, "app"))
        eventually(lambda: came_back(visitors), f"good answers, not {visitors.counts}")

    assert visitors.counts.keys() <= {GOOD, AWAY} | LOST
    assert sum(visitors.counts[kind] for kind in LOST) <= connections
    assert restarts(faulty_stack, "app") == before + 1


@pytest.mark.parametrize("connections", CONNECTIONS)
def test_killed_h2o_worker_costs_each_connection_one_request(faulty_stack: Project, connections: int) -> None:
    before, restarted = workers(faulty_stack), restarts(faulty_stack, "h2o")
    with visit(faulty_stack, connections) as visitors:
        eventually(lambda: visitors.counts[GOOD] >= 2 * connections, "good answers on all connections")
        send(SIGKILL, *before)
        eventually(lambda: came_back(visitors), f"good answers, not {visitors.counts}")

    assert visitors.counts.keys() <= {GOOD} | LOST
    assert visitors.failed <= connections
    assert set(workers(faulty_stack)).isdisjoint(before)
    assert restarts(faulty_stack, "h2o") == restarted


@pytest.mark.parametrize("connections", CONNECTIONS)
def test_killed_h2o_restarts(faulty_stack: Project, connections: int) -> None:
    before = {service: restarts(faulty_stack, service) for service in ("app", "h2o")}
    with visit(faulty_stack, connections) as visitors:
        send(SIGKILL, main_process(faulty_stack, "h2o"))
        eventually(lambda: came_back(visitors), f"good answers, not {visitors.counts}")

    assert visitors.counts.keys() <= {GOOD} | NOBODY
    assert restarts(faulty_stack, "h2o") == before["h2o"] + 1
    assert restarts(faulty_stack, "app") == before["app"]


def test_app_and_h2o_killed_at_once_restart(faulty_stack: Project) -> None:
    before = {service: restarts(faulty_stack, service) for service in ("app", "h2o")}
    with visit(faulty_stack) as visitors:
        send(SIGKILL, main_process(faulty_stack, "app"), main_process(faulty_stack, "h2o"))
        eventually(lambda: came_back(visitors), f"good answers, not {visitors.counts}")

    assert visitors.counts.keys() <= {GOOD, AWAY} | NOBODY
    assert {service: restarts(faulty_stack, service) for service in before} == {key: n + 1 for key, n in before.items()}


@pytest.mark.native
def test_app_out_of_memory_is_killed_and_restarts(faulty_stack: Project) -> None:
    container, begin = str(state(faulty_stack, "app")["Id"]), time.time()
    before = restarts(faulty_stack, "app")
    with visit(faulty_stack) as visitors:
        assert faulty_stack.get("/eat").status == 502
        eventually(lambda: came_back(visitors), f"good answers, not {visitors.counts}")

    assert visitors.counts.keys() <= {GOOD, AWAY} | LOST
    assert restarts(faulty_stack, "app") == before + 1
    span = (f"--since={begin}", f"--until={time.time()}")
    assert run("docker", "events", *span, "--filter", f"container={container}", "--filter", "event=oom").stdout


def test_harmless_signal_keeps_restart_policy_of_h2o(faulty_stack: Project) -> None:
    before = restarts(faulty_stack, "h2o")
    with visit(faulty_stack) as visitors:
        faulty_stack.compose("kill", "--signal=HUP", "h2o")
        send(SIGKILL, main_process(faulty_stack, "h2o"))
        eventually(lambda: came_back(visitors), f"good answers, not {visitors.counts}")

    assert restarts(faulty_stack, "h2o") == before + 1


@pytest.mark.native
def test_fatal_signal_keeps_restart_policy_of_app(faulty_stack: Project) -> None:
    before = restarts(faulty_stack, "app")
    with visit(faulty_stack) as visitors:
        faulty_stack.compose("kill", "--signal=QUIT", "app")
        eventually(lambda: came_back(visitors), f"good answers, not {visitors.counts}")

    assert restarts(faulty_stack, "app") == before + 1


def test_docker_kill_needs_a_start_by_hand(faulty_stack: Project) -> None:
    before = restarts(faulty_stack, "app")
    with visit(faulty_stack) as visitors:
        faulty_stack.compose("kill", "app")
        eventually(lambda: visitors.counts[AWAY] > 500, "the page for an app that is away")
        assert status(faulty_stack, "app") == "exited"
        assert visitors.counts.keys() <= {GOOD, AWAY} | LOST

        faulty_stack.compose("up", "--detach")
        eventually(lambda: came_back(visitors), f"good answers, not {visitors.counts}")

    assert restarts(faulty_stack, "app") in (0, before)  # none of the engine's own


@pytest.mark.native
def test_frozen_app_is_unhealthy_and_requests_get_502(faulty_stack: Project) -> None:
    app = main_process(faulty_stack, "app")
    send(SIGSTOP, app)
    try:
        with ThreadPoolExecutor() as pool:
            pages = list(pool.map(faulty_stack.get, ["/"] * 4))
        assert {page.status for page in pages} == {502}
        assert all("Back in a moment" in page.text for page in pages)

        asked = faulty_stack.inside("app", *socket_command(faulty_stack.root / "publish", "health"), check=False)
        assert asked.returncode == 1
        assert "unhealthy: " in asked.stderr
        eventually(lambda: "unhealthy" in str(state(faulty_stack, "app")["State"]), "the report: unhealthy")
    finally:
        send(SIGCONT, app)

    with visit(faulty_stack) as visitors:
        eventually(lambda: visitors.counts[GOOD] > 200, "good answers")
    eventually(lambda: "'healthy'" in str(state(faulty_stack, "app")["State"]), "the report: healthy")


@pytest.mark.native
def test_frozen_app_is_replaced_by_restart(faulty_stack: Project) -> None:
    send(SIGSTOP, main_process(faulty_stack, "app"))

    faulty_stack.compose("restart", "--timeout", "1", "app")

    eventually(lambda: faulty_stack.get().status == 200, "the page")


@pytest.mark.native
def test_stop_of_old_version_keeps_socket_of_new_one(faulty_stack: Project) -> None:
    def published(container: str) -> str:
        return run_beside(container, "readlink", f"{ROOT}/tmp/myapp/kestrel.sock").stdout

    def names(container: str) -> list[str]:
        return run_beside(container, "ls", f"{ROOT}/tmp/myapp").stdout.split()

    old = str(state(faulty_stack, "app")["Id"])
    link = published(old)
    with visit(faulty_stack) as visitors:
        faulty_stack.compose("up", "--detach", "--no-deps", "--no-recreate", "--scale=app=2", "app")
        new = next(one for one in faulty_stack.compose("ps", "--quiet", "app").stdout.split() if one != old)
        eventually(lambda: published(new) != link, "the take-over")
        assert len(names(new)) == 4
        eventually(lambda: visitors.counts[GOOD] > 500, "answers of both")

        run("docker", "stop", old)
        run("docker", "rm", old)
        so_far = visitors.counts[GOOD]
        eventually(lambda: visitors.counts[GOOD] > so_far + 500, "answers of the new one")

    assert visitors.counts.keys() == {GOOD}
    assert len(names(new)) == 3


@pytest.mark.native
def test_stop_of_app_answers_requests_in_flight(faulty_stack: Project) -> None:
    with ThreadPoolExecutor(8) as pool:
        # H2O of this stack waits for an answer for 3 s.
        slow = [pool.submit(faulty_stack.get, "/slow?seconds=2.5") for _ in range(4)]
        events = [pool.submit(faulty_stack.get, "/events") for _ in range(4)]
        try:
            eventually(lambda: connected(faulty_stack) >= 8, "all requests at the app")
        finally:
            faulty_stack.compose("stop", "app")  # the pool waits for the event streams, which end with it

        assert [(page.result().status, page.result().text) for page in slow] == [(200, "slow")] * 4
        assert all(page.result().text.endswith("data: bye\n\n") for page in events)
    assert state(faulty_stack, "app")["State"]["ExitCode"] == 0  # type: ignore[index]


def connected(stack: Project) -> int:
    """How many connections H2O has to the app's socket. (The kernel lists both ends where the caller is.)"""
    sockets = stack.inside("h2o", "cat", "/proc/net/unix").stdout
    return sum(" 03 " in line and "/kestrel.sock." in line for line in sockets.splitlines())


@pytest.mark.native
def test_volume_full_of_data_does_not_block_the_app(faulty_stack: Project) -> None:
    """Names are all that an instance needs, and in memory they take no block of a volume."""
    file = f"{ROOT}/tmp/myapp/fill"
    fill = faulty_stack.beside("app", "dd", "if=/dev/zero", f"of={file}", "bs=1k", "count=100", check=False)
    assert "No space left on device" in fill.stderr

    faulty_stack.compose("restart", "app")

    eventually(lambda: faulty_stack.get().status == 200, "the page")
    faulty_stack.beside("app", "rm", file)
