"""A master process that replaces its workers."""

from __future__ import annotations

import time

from uds_stack.deploy.containers import Container
from uds_stack.deploy.session import DeployError, Session

WORKER_LIMIT = 10  # seconds for a new worker to start


def list_workers(session: Session, container: Container) -> set[str]:
    """Return the process ids of the workers, on the host."""
    table = session.must("docker", "top", container.id, "-eo", "pid,ppid").splitlines()[1:]
    rows = [row.split() for row in table]
    first = {pid for pid, parent in rows if parent == str(container.found["State"]["Pid"])}
    second = {pid for pid, parent in rows if parent in first}
    return second or first  # with `init: true`, the first process is not the master, but its parent


def replace_workers(session: Session, container: Container, *, probation: float, fault: str) -> bool:
    """Send SIGHUP to the master, and wait until new workers serve; return whether old ones still have connections.

    Raises DeployError with `fault` where no new worker lives for `probation` seconds.
    """
    before = list_workers(session, container)
    # Not `docker kill`: without a stop_signal in compose.yaml, the engine (26.1) would no longer restart the container.
    session.must("docker", "exec", container.id, "sh", "-c", "kill -HUP 1")
    lingering = wait_for_workers(session, container, before, probation=probation)
    if lingering is None:
        raise DeployError(fault, session.run("docker", "logs", "--tail=10", container.id).err)
    return lingering


def wait_for_workers(session: Session, container: Container, before: set[str], *, probation: float) -> bool | None:
    """Wait until workers other than those of `before` serve.

    They do when the old ones are gone, or when they have lived for `probation` seconds. Returns whether old ones are
    left, with connections that are open; None where no new worker stays.
    """
    deadline = time.monotonic() + WORKER_LIMIT
    fresh: set[str] = set()
    since = time.monotonic()
    while time.monotonic() < deadline:
        workers = list_workers(session, container)
        if workers - before != fresh:
            fresh, since = workers - before, time.monotonic()
        lingering = bool(workers & before)
        if fresh and (not lingering or time.monotonic() - since > probation):
            return lingering
        session.pause()
    return None
