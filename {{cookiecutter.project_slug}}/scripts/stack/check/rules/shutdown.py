"""Times and health."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stack.check.compose import Model
from stack.check.project import Project
from stack.check.rule import APP, H2O, Finding, error, of_model
from stack.check.shared import app_upstreams
from stack.check.values import is_on, mapping, number, seconds_of, seconds_of_timespan, text


@of_model
def each_stop_waits_for_the_next(project: Project, model: Model) -> Iterator[Finding]:
    """H2O's idle connections end before the app's drain, that before the host's shutdown, that before Docker's kill."""
    unset = ("", (f"{project.app_folder}/appsettings.json", 1))
    value, place = project.setting(model, "Socket:DrainTimeout") or unset
    drain = seconds_of_timespan(value or "00:00:05")
    if drain is None:
        message = f'Socket:DrainTimeout is {value!r}, which .NET refuses; write "00:00:05" for 5 seconds'
        yield error(place, "drain", message)
        return
    for up in app_upstreams(project, model):
        kept, at = up.commands.get("proxy.timeout.keepalive", ("2000", up.place))
        if drain * 1000 <= (number(kept) or 0):
            message = f"H2O keeps idle connections {kept} ms, the stopping app {drain:g} s: requests are lost"
            yield error(at, "drain", f"{message}; write less than {drain * 1000:.0f}, or a longer Socket:DrainTimeout")
    value, place = project.setting(model, "shutdownTimeoutSeconds") or ("", place)
    for match, at in project.in_code(r"ShutdownTimeout\s*=\s*TimeSpan\.FromSeconds\(\s*(\d{1,6})"):
        value, place = match[1], at
    shutdown = number(value or 30)
    if shutdown is None:
        yield error(place, "shutdown", f"shutdownTimeoutSeconds is {value!r}, and .NET takes 30; write a whole number")
    elif shutdown <= drain:
        message = f"the app is given {shutdown} s to stop, and {drain:g} s to drain; write more than {drain:g}"
        yield error(place, "shutdown", message)
    if not re.fullmatch(r"(SIG)?(TERM|INT|QUIT)?|15|2|3", model.text(APP, "stop_signal")):
        message = f"the app does not stop in order at {model.text(APP, 'stop_signal')}; write stop_signal: SIGTERM"
        yield error(project.at(APP, "stop_signal"), "grace", message)
    grace = seconds_of(model.text(APP, "stop_grace_period") or "10s")
    if grace is not None and grace <= (shutdown or 30):
        message = f"Docker kills the app after {grace:g} s, while its stop may take {shutdown or 30} s"
        at = project.at(APP, "stop_grace_period")
        yield error(at, "grace", f"{message}; write stop_grace_period: {(shutdown or 30) + 5}s")


@of_model
def the_health_checks_can_succeed(project: Project, model: Model) -> Iterator[Finding]:
    """h2o waits for the app's health; the hosts that both health checks ask for must be allowed."""
    health, test = mapping(model.get(APP, "healthcheck")), model.texts(APP, "healthcheck.test")
    waits = text(mapping(model.get(H2O, "depends_on"), APP).get("condition")) == "service_healthy"
    absent = is_on(health.get("disable")) or test in ([], ["NONE"])
    if waits and absent and "HEALTHCHECK" not in project.dockerfile_of(model, APP)[1]:
        message = "h2o waits for the app's health, which nothing asks for; restore the app's `healthcheck`"
        yield error(project.at(APP, "healthcheck"), "healthz", message)
    value, place = project.setting(model, "AllowedHosts") or ("", ("", 1))
    allowed = [host for host in value.lower().replace(" ", "").split(";") if host]
    asked = ["localhost", *re.findall(r"http://([^:/]+)", " ".join(model.texts(H2O, "healthcheck.test")))]
    lacking = [host for host in dict.fromkeys(asked) if host not in allowed]
    if allowed and "*" not in allowed and lacking:
        message = f"the health checks, which ask for {' and '.join(lacking)}, get 400, and so nothing is healthy"
        yield error(place, "allowed-hosts", f'{message}; write "{";".join(allowed + lacking)}"')
