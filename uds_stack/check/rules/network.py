"""The proxy is reached on its published port, and the app on its socket alone."""

from __future__ import annotations

import re

from uds_stack.check.model import Model
from uds_stack.check.project import Project
from uds_stack.check.rule import APP, ERROR, INFO, WARNING, Violations, project_rule, rule
from uds_stack.check.values import Place, is_on, items, mapping, number, text

TCP_VARIABLES = r"(?i)((ASPNETCORE_|DOTNET_)?(URLS|HTTPS?_PORTS))|Kestrel__Endpoints__.*__Url"


def ports(project: Project, protocol: str = "tcp") -> set[int]:
    """Return the ports on which the proxy listens; none where that is not known in full."""
    found = {listener.port for listener in project.config.listeners if listener.port and listener.protocol == protocol}
    return found if project.config.complete else set()


@project_rule("listen-loopback", ERROR, "Nothing outside of the container reaches its loopback address")
def listen_on_all_addresses(project: Project) -> Violations:
    """Docker forwards to the container's own address."""
    for listener in project.config.listeners:
        if listener.address.startswith("127.") or listener.address in ("localhost", "::1"):
            problem = f"{project.proxy.name} listens on {listener.address}, which Docker cannot forward to"
            yield listener.place, problem, project.proxy.syntax.listen


@rule("port", ERROR, "A connection is reset where Docker forwards to a port that nothing listens on")
def match_ports(project: Project, model: Model) -> Violations:
    """TCP, and UDP for HTTP/3."""
    service = project.proxy.service
    for entry in map(mapping, items(model.get(service, "ports"))):
        target, protocol = text(entry.get("target")), text(entry.get("protocol")) or "tcp"
        listens = ports(project, protocol)
        if ports(project) and number(target) not in listens:
            known = " and ".join(map(str, sorted(listens))) or "no port"
            known += " over UDP" if protocol == "udp" else ""
            problem = f"Docker forwards to port {target} of {service}, but {project.proxy.name} listens on {known}"
            place = project.at(service, "ports", holding=target)
            yield place, problem, f"write the same port here and in {project.config.file}"


@rule("port-twice", ERROR, "Docker publishes a port of the host once, and starts no container that asks for it again")
def publish_port_once(project: Project, model: Model) -> Violations:
    """HTTP and HTTPS, for example."""
    seen: dict[tuple[str, ...], str] = {}
    for service in model.services:
        for entry in map(mapping, items(model.get(service, "ports"))):
            address, published, target = (text(entry.get(key)) for key in ("host_ip", "published", "target"))
            key = (address, published, text(entry.get("protocol")) or "tcp")
            if published not in ("", "0") and seen.setdefault(key, target) != target:
                given = [place for value, place in project.compose.env.values() if value == published]
                place = (given or [project.at(service, "ports", holding=target)])[-1]
                problem = f"port {published} of the host leads to two ports of containers, {seen[key]} and {target}"
                yield place, problem, "choose another port for one of them"


def _published(project: Project, model: Model) -> list[tuple[str, Place]]:
    """Return the host's addresses at which the proxy is published, each with its line."""
    service = project.proxy.service
    entries = [mapping(entry) for entry in items(model.get(service, "ports"))]
    return [
        (text(entry.get("host_ip")), project.at(service, "ports", holding=text(entry.get("target"))))
        for entry in entries
    ]


@rule("published-everywhere", WARNING, "A port without an address is published on all of them, past most firewalls")
def require_address(project: Project, model: Model) -> Violations:
    """`.env` no longer says who may connect."""
    for address, place in _published(project, model):
        if not address:
            problem = f"{project.proxy.service} is published on every address of this host"
            yield place, problem, "write ${HTTP_BIND:-127.0.0.1}: before the port"


@rule("published-open", INFO, "Published ports bypass most firewalls")
def report_open_address(project: Project, model: Model) -> Violations:
    """The user decided so."""
    for address, place in _published(project, model):
        if address in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
            yield place, f"{project.proxy.service} is published on every address of this host, as HTTP_BIND says", ""


@rule("not-published", WARNING, "The host does not reach a container that publishes no port")
def require_published_port(project: Project, model: Model) -> Violations:
    """Only the resolved files count: an override may publish the port."""
    service = project.proxy.service
    if not items(model.get(service, "ports")) and not model.label:
        yield project.at(service), f"{service} publishes no port", "restore `ports`"


@rule("internal-network", ERROR, "Docker publishes no port of a container whose networks are all internal")
def require_reachable_network(project: Project, model: Model) -> Violations:
    """A container without any network is the same."""
    service = project.proxy.service
    names = list(mapping(model.get(service, "networks"))) or ["default"]
    inside = all(is_on(mapping(model.networks, name).get("internal")) for name in names)
    if items(model.get(service, "ports")) and (inside or model.text(service, "network_mode") == "none"):
        of_network = project.compose.where("networks", names[0], "internal")
        place = of_network if inside else project.at(service, "network_mode")
        problem = f"{service} has no network that the host reaches, so its port is not published"
        yield place, problem, "add the network `default`, or another that is not internal"


@rule("app-port", ERROR, "Requests to a port of the app bypass the proxy")
def publish_no_app_port(project: Project, model: Model) -> Violations:
    """The socket is the only way in."""
    for target in (text(mapping(entry).get("target")) for entry in items(model.get(APP, "ports"))):
        yield project.at(APP, "ports", holding=target), f"{APP}: its port {target} is published", "remove it"


def _app_networks(project: Project, model: Model) -> list[tuple[str, dict[str, object], Place]]:
    if model.text(APP, "network_mode") not in ("", "bridge"):
        return []
    names = list(mapping(model.get(APP, "networks"))) or ["default"]
    return [(name, mapping(model.networks, name), project.at(APP, "networks", name, holding=name)) for name in names]


@rule("app-network", ERROR, "An app without a way out cannot be made to call anybody")
def isolate_app(project: Project, model: Model) -> Violations:
    """A network for a database is internal."""
    for name, network, place in _app_networks(project, model):
        if not is_on(network.get("external")) and not is_on(network.get("internal")):
            problem = f"{APP}: the network {name} leads out of this host"
            yield place, problem, f"write `internal: true` for it, or network_mode: none for {APP}"


@rule("app-network-external", INFO, "Compose does not know the options of a network that is made elsewhere")
def report_external_network(project: Project, model: Model) -> Violations:
    """The user knows."""
    for name, network, place in _app_networks(project, model):
        if is_on(network.get("external")):
            yield place, f"{APP}: the network {name} is external, and was not checked", "make sure that it is internal"


@rule("tcp-variable", ERROR, "Kestrel listens on TCP beside its socket, or warns at each start")
def clear_tcp_variables(project: Project, model: Model) -> Violations:
    """The official images set one of these."""
    for name, value in mapping(model.get(APP, "environment")).items():
        if re.fullmatch(TCP_VARIABLES, name) and text(value) and "unix:" not in text(value):
            place = project.at(APP, "environment", name, holding=name)
            yield place, f"{APP}: {name} makes Kestrel listen on TCP", f'write {name}: ""'


@rule("tcp-image", WARNING, "The official image sets ASPNETCORE_HTTP_PORTS to 8080, and Kestrel warns at each start")
def clear_port_of_image(project: Project, model: Model) -> Violations:
    """An image that is built here may clear it itself."""
    unset = "ASPNETCORE_HTTP_PORTS" not in mapping(model.get(APP, "environment"))
    if unset and "dotnet/aspnet" in model.text(APP, "image"):
        problem = f"{APP}: the official image asks for TCP port 8080"
        yield project.at(APP, "environment"), problem, 'write ASPNETCORE_HTTP_PORTS: ""'


@project_rule("tcp-setting", ERROR, "Kestrel listens on TCP beside its socket")
def find_tcp_settings(project: Project) -> Violations:
    """The settings for Development are not read in the container."""
    for document in project.app.settings:
        for path, value in document.values.items() if "Development" not in document.file else ():
            listens = re.fullmatch(r"urls|kestrel:endpoints:.*:url", ":".join(map(str, path)).lower())
            if listens and text(value) and "unix:" not in text(value):
                problem = f"the app listens on {text(value)} beside its socket"
                yield document.find(path)[1], problem, "remove this setting"


@project_rule("tcp-code", WARNING, "Code that listens on TCP may run in the container too")
def find_tcp_code(project: Project) -> Violations:
    """Whether it runs in Development alone is not known."""
    for match, place in project.app.in_code(r"\b(ListenAnyIP|ListenLocalhost|UseUrls)\("):
        yield place, f"{match[1]} makes the app listen on TCP", "call it in Development alone"
