"""A master process that replaces its workers."""

from __future__ import annotations

import time

from uds_stack.deploy.containers import Container
from uds_stack.deploy.session import Session

WORKER_LIMIT = 10  # seconds for a new worker to start


def list_workers(session: Session, container: Container) -> set[str]:
    """Return the process ids of the workers, on the host."""
    table = session.must("docker", "top", container.id, "-eo", "pid,ppid").splitlines()[1:]
    rows = [row.split() for row in table]
    first = {pid for pid, parent in rows if parent == str(container.found["State"]["Pid"])}
    second = {pid for pid, parent in rows if parent in first}
    return second or first  # with `init: true`, the first process is not the master, but its parent


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
