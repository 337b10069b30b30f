"""Published ports."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stack.check.compose import Model
from stack.check.project import Project
from stack.check.rule import H2O, Finding, error, note, of_model, warning
from stack.check.values import is_on, items, mapping, number, text


@of_model
def published_ports_lead_to_h2o(project: Project, model: Model) -> Iterator[Finding]:
    """Docker forwards to a port on which H2O listens, on all addresses, and asks for its health there."""
    levels: list[tuple[str, ...]] = [(), *(("hosts", host) for host in mapping(project.conf.data, "hosts"))]
    commands = [command for level in levels for command in project.conf.commands(*level) if command[0] == "listen"]
    listens = set()
    for entry, place in ((entry, place) for _, value, place in commands for entry in items(value)):
        port, host = number(mapping(entry).get("port", entry)), text(mapping(entry).get("host"))
        listens |= {port} if port else set()
        if host.startswith("127.") or host in ("localhost", "::1"):
            message = f"H2O listens on {host}, which nothing outside of its container reaches; remove `host`"
            yield error(place, "port", message)
    if not listens or project.conf.includes_others:
        return
    ports = " and ".join(map(str, sorted(listens)))
    for entry in map(mapping, items(model.get(H2O, "ports"))):
        target, address = text(entry.get("target")), text(entry.get("host_ip"))
        place = project.at(H2O, "ports", holding=target)
        if number(target) not in listens and text(entry.get("protocol")) != "udp":
            message = f"Docker forwards to h2o's port {target}, while H2O listens on {ports}"
            yield error(place, "port", f"{message}; write the same here and at `listen` in {project.conf.file}")
        if not address:
            message = "h2o is published on every address of this host, past most firewalls"
            yield warning(place, "published", message + "; write ${HTTP_BIND:-127.0.0.1}: before it")
        elif address in ("0.0.0.0", "::"):  # noqa: S104
            message = "h2o is published on every address of this host; 127.0.0.1 is this host alone"
            yield note(place, "published", message)
    if not items(model.get(H2O, "ports")) and not model.label:
        message = "h2o publishes no port, and the host cannot reach it; restore `ports`"
        yield warning(project.at(H2O), "published", message)
    test, place = " ".join(model.texts(H2O, "healthcheck.test")), project.at(H2O, "healthcheck", "test")
    paths = [path for host in mapping(project.conf.data, "hosts").values() for path in mapping(host, "paths")]
    for port, asked in re.findall(r"http://(?:127\.0\.0\.1|localhost):(\d{1,5})(/\S*)?", test):
        if int(port) not in listens:
            message = f"h2o's health check asks port {port}, while H2O listens on {ports}; ask that"
            yield error(place, "port", message)
        if paths and not any((asked or "/").startswith(path) for path in paths):
            message = f"h2o's health check asks for {asked or '/'}, and {project.conf.file} has no path for it; add one"
            yield error(place, "healthz", message)
    names = list(mapping(model.get(H2O, "networks"))) or ["default"]
    inside = all(is_on(mapping(model.networks, name).get("internal")) for name in names)
    if items(model.get(H2O, "ports")) and (inside or model.text(H2O, "network_mode") == "none"):
        place = project.where("networks", names[0], "internal") if inside else project.at(H2O, "network_mode")
        message = "h2o is on no network that the host reaches, so its port is not published; add `default`"
        yield error(place, "port", message)
