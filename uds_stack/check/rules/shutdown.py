"""Each timeout of a shutdown is longer than the one before it.

The proxy's idle connections end first, then the app's drain, then the host's shutdown, and Docker kills last.
"""

from __future__ import annotations

import re

from uds_stack.check.compose_model import APP
from uds_stack.check.rule import ERROR, Violations, rule
from uds_stack.check.stack import Stack
from uds_stack.check.yaml_values import number, seconds_of_duration, seconds_of_timespan

DRAIN, SHUTDOWN = "Socket:DrainTimeout", "shutdownTimeoutSeconds"
DEFAULT_DRAIN, DEFAULT_SHUTDOWN, DEFAULT_GRACE = "00:00:05", 30, "10s"
OF_APP = r"(SIG)?TERM|(SIG)?INT|(SIG)?QUIT|15|2|3"  # .NET shuts down cleanly at these


def shutdown_timeout(stack: Stack) -> int:
    """Return the seconds of the host's shutdown timeout; code overrides the setting."""
    value = (stack.app.setting(stack.model, SHUTDOWN) or ("",))[0]
    for match, _ in stack.app.in_code(r"ShutdownTimeout\s*=\s*TimeSpan\.FromSeconds\(\s*(\d{1,6})"):
        value = match[1]
    return number(value) or DEFAULT_SHUTDOWN


@rule(ERROR, "A stopping app closes connections on which the proxy is about to send: requests fail")
def keepalive(stack: Stack) -> Violations:
    """Require that the proxy's idle connections end while the app still waits for them."""
    value = (stack.app.setting(stack.model, DRAIN) or ("",))[0] or DEFAULT_DRAIN
    drain = seconds_of_timespan(value)
    for upstream in stack.app_upstreams:
        if drain is not None and drain <= upstream.keepalive:
            write, name = stack.proxy.duration, stack.proxy.syntax.keepalive
            problem = f"{name} ({write(upstream.keepalive)}) must be shorter than {DRAIN} ({drain:g} s)"
            problem += ", or requests fail during a shutdown"
            yield upstream.at("keepalive"), problem, f"write less than {write(drain)}, or a longer {DRAIN}"


@rule(ERROR, "At another signal the app or the proxy cuts the requests under way, or runs until it is killed")
def stop_signal(stack: Stack) -> Violations:
    """Compare stop_signal with the signals at which each finishes its requests. The images set such a signal."""
    proxy = stack.proxy
    for service, name, wanted in ((APP, "the app", OF_APP), (proxy.service, proxy.name, proxy.stop_signals)):
        signal = stack.model.text(service, "stop_signal")
        if signal and not re.fullmatch(wanted, signal):
            problem = f"{service}: stop_signal is {signal}, at which {name} does not finish its requests"
            write = re.sub(r"[()?]|\|.*", "", wanted)
            yield stack.at(service, "stop_signal"), problem, f"write stop_signal: {write}"


@rule(ERROR, "Docker kills the app during its shutdown: requests are lost, and the socket remains")
def grace_period(stack: Stack) -> Violations:
    """Require that Docker waits longer than the host; its default is 10 seconds."""
    shutdown = shutdown_timeout(stack)
    grace = seconds_of_duration(stack.model.text(APP, "stop_grace_period") or DEFAULT_GRACE)
    if stack.services and grace is not None and grace <= shutdown:
        problem = f"{APP}: stop_grace_period ({grace:g} s) must be longer than {SHUTDOWN} ({shutdown} s)"
        yield stack.at(APP, "stop_grace_period"), problem, f"write stop_grace_period: {shutdown + 5}s"


RULES = [keepalive, stop_signal, grace_period]
