"""H2O: SIGHUP lets its master start a worker with the changed h2o.conf."""

from __future__ import annotations

import re

from uds_stack.deploy.containers import Container
from uds_stack.deploy.proxy import Proxy
from uds_stack.deploy.session import Session
from uds_stack.proxies.workers import replace_workers

PROBATION = 3  # seconds that a new worker must live: the master ends the old one after one, or tries again


class H2O(Proxy):
    """H2O under `-m master`, a process that replaces its worker."""

    title = "H2O"
    config = "h2o.conf"
    program = "h2o"
    usage = "h2o -m master -c FILE"

    def can_reload(self, command: list[str]) -> bool:
        """Return whether there is a master to reload, and a file to load."""
        return "master" in command and "-c" in command[:-1]

    def validate(self, command: list[str]) -> list[str]:
        """Return `h2o -t -c FILE`."""
        return [command[0], "-t", "-c", command[command.index("-c") + 1]]

    def reload(self, session: Session, container: Container, command: list[str]) -> bool:
        """Send SIGHUP to the master; return whether the old worker still has open connections."""
        fault = (
            "the new worker does not start, and the old one keeps running: restore the old h2o.conf, as H2O tries "
            "to load the file every second (another `listen` takes `docker compose up -d --force-recreate h2o`)"
        )
        return replace_workers(session, container, probation=PROBATION, fault=fault)

    def find_upstream_socket(self, config: str) -> str | None:
        """Return the path in the first `[unix:PATH]`."""
        path = re.search(r"^[^#\n]*\[unix:([^]]+)\]", config, re.MULTILINE)
        return path[1] if path else None
