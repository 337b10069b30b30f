"""nginx: SIGHUP lets its master start workers with the changed nginx.conf."""

from __future__ import annotations

import re

from uds_stack.deploy.containers import Container
from uds_stack.deploy.proxy import Proxy
from uds_stack.deploy.session import Session
from uds_stack.proxies.workers import replace_workers

PROBATION = 0.5  # seconds; the old workers stop accepting as soon as the new ones run


class Nginx(Proxy):
    """nginx, whose master replaces its workers."""

    title = "nginx"
    config = "nginx.conf"
    program = "nginx"
    usage = "nginx -g 'daemon off;'"

    def can_reload(self, command: list[str]) -> bool:
        """Return whether there is a master, which there is unless it is turned off."""
        return not any("master_process off" in word for word in command)

    def validate(self, command: list[str]) -> list[str]:
        """Return `nginx ... -t`."""
        return [*command, "-t"]

    def reload(self, session: Session, container: Container, command: list[str]) -> bool:
        """Send SIGHUP to the master; return whether the old workers still have open connections."""
        fault = "the new workers do not start, and the old ones keep running: restore the old nginx.conf"
        return replace_workers(session, container, probation=PROBATION, fault=fault)

    def find_upstream_socket(self, config: str) -> str | None:
        """Return the path in the first `server unix:PATH;`, or `proxy_pass http://unix:PATH`."""
        path = re.search(r"^[^#\n]*\bunix:([^;:\s]+)", config, re.MULTILINE)
        return path[1] if path else None
