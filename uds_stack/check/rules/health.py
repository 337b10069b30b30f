"""The health checks can succeed: each asks where somebody answers."""

from __future__ import annotations

import re

from uds_stack.check.model import Model
from uds_stack.check.project import Project
from uds_stack.check.rule import APP, ERROR, Violations, rule
from uds_stack.check.rules.network import ports
from uds_stack.check.values import is_on, mapping, text


@rule("health-missing", ERROR, "The proxy does not start where it waits for the health of an app without a check")
def require_app_health_check(project: Project, model: Model) -> Violations:
    """The image may bring its own."""
    health, test = mapping(model.get(APP, "healthcheck")), model.texts(APP, "healthcheck.test")
    depends = mapping(model.get(project.proxy.service, "depends_on"), APP)
    absent = is_on(health.get("disable")) or test in ([], ["NONE"])
    in_image = "HEALTHCHECK" in project.dockerfile(model, APP).text
    if text(depends.get("condition")) == "service_healthy" and absent and not in_image:
        problem = f"{APP} has no health check, and {project.proxy.service} waits for its health"
        yield project.at(APP, "healthcheck"), problem, "restore `healthcheck`"


@rule("health-shell", ERROR, "An app is never healthy where its check needs a shell and its image has none")
def run_health_check_without_shell(project: Project, model: Model) -> Violations:
    """A check that is written as one string runs in a shell."""
    dockerfile = project.dockerfile(model, APP).text if model.get(APP, "build") else ""
    images = re.findall(r"(?m)^FROM\s+(\S+)", dockerfile)[-1:] or [model.text(APP, "image")]
    test = mapping(model.get(APP, "healthcheck")).get("test")
    needs_shell = isinstance(test, str) or model.texts(APP, "healthcheck.test")[:1] == ["CMD-SHELL"]
    if needs_shell and re.search(r"chiseled|distroless", images[0]):
        problem = f"{APP}: the health check needs a shell, and {images[0]} has none"
        yield project.at(APP, "healthcheck", "test"), problem, "write it as [CMD, PROGRAM, ...]"


def _asked(project: Project, model: Model) -> list[tuple[int, str]]:
    """Return the ports and the paths of its own that the proxy's health check asks."""
    test = " ".join(model.texts(project.proxy.service, "healthcheck.test"))
    found = re.findall(r"http://(?:127\.0\.0\.1|localhost):(\d{1,5})(/\S*)?", test)
    return [(int(port), path or "/") for port, path in found]


@rule("health-port", ERROR, "The proxy is never healthy where its check asks a port that nothing listens on")
def match_health_port(project: Project, model: Model) -> Violations:
    """The check runs in the proxy's container."""
    service, listens = project.proxy.service, ports(project)
    for port, _ in _asked(project, model):
        if listens and port not in listens:
            known = " and ".join(map(str, sorted(listens)))
            problem = f"{service}: the health check asks port {port}, but {project.proxy.name} listens on {known}"
            yield project.at(service, "healthcheck", "test"), problem, f"ask port {min(listens)}"


@rule("health-path", ERROR, "The proxy answers 404 to its own health check where no route has the path")
def match_health_path(project: Project, model: Model) -> Violations:
    """A route answers what begins with it."""
    service, routes = project.proxy.service, project.config.routes
    for _, path in _asked(project, model) if project.config.complete else ():
        if routes and not any(path.startswith(route) for route in routes):
            problem = f"{service}: the health check asks for {path}, but {project.config.file} has no route for it"
            yield project.at(service, "healthcheck", "test"), problem, "add a route, or ask for another path"


@rule("allowed-hosts", ERROR, "Kestrel answers 400 to a health check whose host is not allowed, and nothing is healthy")
def allow_health_check_hosts(project: Project, model: Model) -> Violations:
    """The app asks itself for localhost."""
    value, place = project.app.setting(model, "AllowedHosts") or ("", ("", 1))
    allowed = [host for host in value.lower().replace(" ", "").split(";") if host]
    test = " ".join(model.texts(project.proxy.service, "healthcheck.test"))
    asked = ["localhost", *re.findall(r"http://([^:/]+)", test)]
    lacking = [host for host in dict.fromkeys(asked) if host not in allowed]
    if allowed and "*" not in allowed and lacking:
        problem = f"AllowedHosts lacks {' and '.join(lacking)}, which the health checks ask for"
        yield place, problem, f'write "{";".join(allowed + lacking)}"'
