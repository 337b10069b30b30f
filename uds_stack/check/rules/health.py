"""The health checks can succeed: each asks where somebody answers."""

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
    """Compare the ports; the check runs in the proxy's container."""
    service, listens = stack.proxy.service, stack.ports()
    for port, _ in _asked(stack):
        if listens and port not in listens:
            known = " and ".join(map(str, sorted(listens)))
            problem = f"{service}: the health check asks port {port}, but {stack.proxy.name} listens on {known}"
            yield stack.at(service, "healthcheck", "test"), problem, f"ask port {min(listens)}"


@rule(ERROR, "The proxy answers 404 to its own health check where no route has the path")
def health_path(stack: Stack) -> Violations:
    """Look for a route that begins the path."""
    service, routes = stack.proxy.service, stack.config.routes
    for _, path in _asked(stack) if stack.config.complete else ():
        if routes and not any(path.startswith(route) for route in routes):
            problem = f"{service}: the health check asks for {path}, but {stack.config.file} has no route for it"
            yield stack.at(service, "healthcheck", "test"), problem, "add a route, or ask for another path"


@rule(ERROR, "Kestrel answers 400 to a health check whose host is not allowed, and nothing is healthy")
def allowed_hosts(stack: Stack) -> Violations:
    """Require the hosts that both checks ask for; the app asks itself for localhost."""
    value, place = stack.app.setting(stack.model, "AllowedHosts") or ("", ("", 1))
    allowed = [host for host in value.lower().replace(" ", "").split(";") if host]
    test = " ".join(stack.model.texts(stack.proxy.service, "healthcheck.test"))
    asked = ["localhost", *re.findall(r"http://([^:/]+)", test)]
    lacking = [host for host in dict.fromkeys(asked) if host not in allowed]
    if allowed and "*" not in allowed and lacking:
        problem = f"AllowedHosts lacks {' and '.join(lacking)}, which the health checks ask for"
        yield place, problem, f'write "{";".join(allowed + lacking)}"'


RULES = [health_port, health_path, allowed_hosts]
