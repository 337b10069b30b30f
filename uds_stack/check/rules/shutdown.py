"""Each timeout of a shutdown is longer than the one before it.

The proxy's idle connections end first, then the app's drain, then the host's shutdown, and Docker kills last.
"""

from __future__ import annotations

import re

from uds_stack.check.model import Model
from uds_stack.check.project import Project
from uds_stack.check.rule import APP, ERROR, Violations, rule
from uds_stack.check.values import Place, number, seconds_of_duration, seconds_of_timespan

DRAIN, SHUTDOWN = "Socket:DrainTimeout", "shutdownTimeoutSeconds"
DEFAULT_DRAIN, DEFAULT_SHUTDOWN, DEFAULT_GRACE = "00:00:05", 30, "10s"


def _drain(project: Project, model: Model) -> tuple[str, Place]:
    """Return Socket:DrainTimeout as it is written."""
    unset = (DEFAULT_DRAIN, (f"{project.app.source_folder}/appsettings.json", 1))
    value, place = project.app.setting(model, DRAIN) or unset
    return value or DEFAULT_DRAIN, place


def shutdown_timeout(project: Project, model: Model) -> tuple[str, Place]:
    """Return the host's shutdown timeout as it is written; code overrides the setting."""
    value, place = project.app.setting(model, SHUTDOWN) or ("", _drain(project, model)[1])
    for match, at in project.app.in_code(r"ShutdownTimeout\s*=\s*TimeSpan\.FromSeconds\(\s*(\d{1,6})"):
        value, place = match[1], at
    return value or str(DEFAULT_SHUTDOWN), place


@rule("drain-timeout", ERROR, "The app exits at its start where .NET cannot parse the setting")
def parse_drain_timeout(project: Project, model: Model) -> Violations:
    """A TimeSpan."""
    value, place = _drain(project, model)
    if seconds_of_timespan(value) is None:
        yield place, f"{DRAIN} is {value!r}, not a TimeSpan", 'write "00:00:05" for 5 seconds'


@rule("keepalive", ERROR, "A stopping app closes connections on which the proxy is about to send: requests fail")
def order_keepalive(project: Project, model: Model) -> Violations:
    """The proxy's idle connections have ended when the app stops to wait for them."""
    drain = seconds_of_timespan(_drain(project, model)[0])
    for upstream in project.app_upstreams(model):
        if drain is not None and drain <= upstream.keepalive:
            write, name = project.proxy.duration, project.proxy.syntax.keepalive
            problem = f"{name} ({write(upstream.keepalive)}) must be shorter than {DRAIN} ({drain:g} s)"
            problem += ", or requests fail during a shutdown"
            yield upstream.at("keepalive"), problem, f"write less than {write(drain)}, or a longer {DRAIN}"


@rule("shutdown-timeout", ERROR, "The host's default of 30 s holds where the setting is not a number")
def parse_shutdown_timeout(project: Project, model: Model) -> Violations:
    """A whole number of seconds."""
    value, place = shutdown_timeout(project, model)
    if number(value) is None:
        yield place, f"{SHUTDOWN} is {value!r}, not a whole number", "write the seconds, such as 30"


@rule("shutdown-order", ERROR, "The host closes connections under requests where it gives up before the drain ends")
def order_shutdown(project: Project, model: Model) -> Violations:
    """The drain is a part of the host's shutdown."""
    value, place = shutdown_timeout(project, model)
    drain, shutdown = seconds_of_timespan(_drain(project, model)[0]), number(value)
    if drain is not None and shutdown is not None and shutdown <= drain:
        problem = f"{SHUTDOWN} ({shutdown} s) must be longer than {DRAIN} ({drain:g} s)"
        yield place, problem, f"write more than {drain:g}"


@rule("stop-signal", ERROR, "The app shuts down in order at SIGTERM, SIGINT and SIGQUIT alone")
def require_stop_signal(project: Project, model: Model) -> Violations:
    """Any other signal ends it at once."""
    signal = model.text(APP, "stop_signal")
    if not re.fullmatch(r"(SIG)?(TERM|INT|QUIT)?|15|2|3", signal):
        problem = f"{APP}: stop_signal is {signal}, at which it does not shut down in order"
        yield project.at(APP, "stop_signal"), problem, "write stop_signal: SIGTERM"


@rule("proxy-stop-signal", ERROR, "At another signal the proxy cuts the requests under way, or runs until it is killed")
def require_stop_signal_of_proxy(project: Project, model: Model) -> Violations:
    """Without a stop_signal, that of the image holds."""
    service, proxy = project.proxy.service, project.proxy
    signal = model.text(service, "stop_signal")
    if signal and not re.fullmatch(proxy.stop_signals, signal):
        problem = f"{service}: stop_signal is {signal}, at which {proxy.name} does not end its requests in order"
        write = re.sub(r"[()?]|\|.*", "", proxy.stop_signals)
        yield project.at(service, "stop_signal"), problem, f"write stop_signal: {write}"


@rule("grace-period", ERROR, "Docker kills the app during its shutdown: requests are lost, and the socket remains")
def order_grace_period(project: Project, model: Model) -> Violations:
    """Docker's default is 10 seconds."""
    shutdown = number(shutdown_timeout(project, model)[0]) or DEFAULT_SHUTDOWN
    grace = seconds_of_duration(model.text(APP, "stop_grace_period") or DEFAULT_GRACE)
    if grace is not None and grace <= shutdown:
        problem = f"{APP}: stop_grace_period ({grace:g} s) must be longer than {SHUTDOWN} ({shutdown} s)"
        yield project.at(APP, "stop_grace_period"), problem, f"write stop_grace_period: {shutdown + 5}s"
