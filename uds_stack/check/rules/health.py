"""The health checks can succeed: each asks a port and a path that are served."""

from __future__ import annotations

import re

from uds_stack.check.rule import ERROR, Violations, rule
from uds_stack.check.stack import Stack


def _asked(stack: Stack) -> list[tuple[int, str]]:
    """Return the ports and the paths of its own that the proxy's health check asks."""
    test = " ".join(stack.model.texts(stack.proxy.service, "healthcheck.test"))
    found = re.findall(r"http://(?:127\.0\.0\.1|localhost):(\d{1,5})(/\S*)?", test)
    return [(int(port), path or "/") for port, path in found]


@rule(ERROR, "The proxy is never healthy where its check asks a port that nothing listens on")
def health_port(stack: Stack) -> Violations:
    """Compare the port that the proxy's health check asks with those on which the proxy listens."""
    service, listens = stack.proxy.service, stack.ports()
    for port, _ in _asked(stack):
        if listens and port not in listens:
            known = " and ".join(map(str, sorted(listens)))
            problem = f"{service}: the health check asks port {port}, but {stack.proxy.name} listens on {known}"
            yield stack.at(service, "healthcheck", "test"), problem, f"ask port {min(listens)}"


@rule(ERROR, "The proxy answers 404 to its own health check where no route has the path")
def health_path(stack: Stack) -> Violations:
    """Look for a route that is a prefix of the path that the proxy's health check asks for."""
    service, routes = stack.proxy.service, stack.config.routes
    for _, path in _asked(stack) if stack.config.complete else ():
        if routes and not any(path.startswith(route) for route in routes):
            problem = f"{service}: the health check asks for {path}, but {stack.config.file} has no route for it"
            yield stack.at(service, "healthcheck", "test"), problem, "add a route, or ask for another path"


RULES = [health_port, health_path]
