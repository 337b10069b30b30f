"""The proxy is reached on its published port, and the app on its socket alone."""

from __future__ import annotations

import re

from uds_stack.check.compose_model import APP
from uds_stack.check.rule import ERROR, WARNING, Violations, rule
from uds_stack.check.stack import Stack
from uds_stack.check.yaml_values import is_on, items, mapping, number, text

TCP_VARIABLES = r"(?i)((ASPNETCORE_|DOTNET_)?(URLS|HTTPS?_PORTS))|Kestrel__Endpoints__.*__Url"


@rule(ERROR, "Nothing outside of the container reaches its loopback address")
def listen_loopback(stack: Stack) -> Violations:
    """Require that the proxy listens on an address to which Docker can forward."""
    for listener in stack.config.listeners:
        if listener.address.startswith("127.") or listener.address in ("localhost", "::1"):
            problem = f"{stack.proxy.name} listens on {listener.address}, which Docker cannot forward to"
            yield listener.place, problem, stack.proxy.syntax.listen


@rule(ERROR, "Everything is healthy, and nothing answers on the published port")
def port(stack: Stack) -> Violations:
    """Require that Docker forwards to ports on which the proxy listens, on a network that is not internal."""
    service, listens = stack.proxy.service, stack.ports()
    entries = [mapping(entry) for entry in items(stack.model.get(service, "ports"))]
    for entry in entries if listens else ():
        target, protocol = text(entry.get("target")), text(entry.get("protocol")) or "tcp"
        if number(target) not in stack.ports(protocol):
            known = " and ".join(map(str, sorted(stack.ports(protocol)))) or "no port"
            known += " over UDP" if protocol == "udp" else ""
            problem = f"Docker forwards to port {target} of {service}, but {stack.proxy.name} listens on {known}"
            place = stack.at(service, "ports", holding=target)
            yield place, problem, f"write the same port here and in {stack.config.file}"
    names = list(mapping(stack.model.get(service, "networks"))) or ["default"]
    inside = all(is_on(mapping(stack.model.networks, name).get("internal")) for name in names)
    if entries and (inside or stack.model.text(service, "network_mode") == "none"):
        of_network = stack.compose.where("networks", names[0], "internal")
        place = of_network if inside else stack.at(service, "network_mode")
        problem = f"{service} has no network that the host reaches, so its port is not published"
        yield place, problem, "add the network `default`, or another that is not internal"


@rule(WARNING, "Docker publishes a port without an address on all of them, bypassing most firewalls")
def published_everywhere(stack: Stack) -> Violations:
    """Require an address for each published port; `.env` may set it."""
    service = stack.proxy.service
    for entry in map(mapping, items(stack.model.get(service, "ports"))):
        if not text(entry.get("host_ip")):
            problem = f"{service} is published on every address of this host"
            place = stack.at(service, "ports", holding=text(entry.get("target")))
            yield place, problem, "write ${HTTP_BIND:-127.0.0.1}: before the port"


@rule(ERROR, "Requests to a port of the app bypass the proxy")
def app_port(stack: Stack) -> Violations:
    """Require that the app publishes no port."""
    for target in (text(mapping(entry).get("target")) for entry in items(stack.model.get(APP, "ports"))):
        yield stack.at(APP, "ports", holding=target), f"{APP}: its port {target} is published", "remove it"


@rule(ERROR, "Through a network that leads out, an app that is taken over can call anybody")
def app_network(stack: Stack) -> Violations:
    """Require that the app's networks are internal; external ones are not known."""
    own = stack.services and stack.model.text(APP, "network_mode") in ("", "bridge")
    for name in (list(mapping(stack.model.get(APP, "networks"))) or ["default"]) if own else ():
        network = mapping(stack.model.networks, name)
        if not is_on(network.get("external")) and not is_on(network.get("internal")):
            problem = f"{APP}: the network {name} leads out of this host"
            remedy = f"write `internal: true` for it, or network_mode: none for {APP}"
            yield stack.at(APP, "networks", name, holding=name), problem, remedy


@rule(ERROR, "Kestrel listens on TCP beside its socket, or warns at each start")
def tcp(stack: Stack) -> Violations:
    """Look for variables and settings that name a TCP port; those for Development are not read in the container."""
    for name, value in mapping(stack.model.get(APP, "environment")).items():
        if re.fullmatch(TCP_VARIABLES, name) and text(value) and "unix:" not in text(value):
            place = stack.at(APP, "environment", name, holding=name)
            yield place, f"{APP}: {name} makes Kestrel listen on TCP", f'write {name}: ""'
    for file in stack.app.settings:
        for path, value in file.values.items() if "Development" not in file.file else ():
            listens = re.fullmatch(r"urls|kestrel:endpoints:.*:url", ":".join(map(str, path)).lower())
            if listens and text(value) and "unix:" not in text(value):
                problem = f"the app listens on {text(value)} beside its socket"
                yield file.find(path)[1], problem, "remove this setting"


RULES = [listen_loopback, port, published_everywhere, app_port, app_network, tcp]
