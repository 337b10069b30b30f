"""One socket: what Kestrel binds is what the proxy connects to."""

from __future__ import annotations

import posixpath

from uds_stack.check.compose_model import APP
from uds_stack.check.proxy_interface import Upstream
from uds_stack.check.rule import ERROR, INFO, Violations, rule
from uds_stack.check.stack import Stack
from uds_stack.check.yaml_values import text

LIFECYCLE = "AddUnixSocketDefaults"
Shared = tuple[str, str]  # a volume or a folder of the host, and a name in it


@rule(ERROR, "The command uds-stack finds the two services by their names")
def service(stack: Stack) -> Violations:
    """Require the app's name, which is fixed, and that of the proxy."""
    for name in (APP, stack.proxy.service) if stack.model.known else ():
        if name not in stack.model.services:
            _, place = stack.compose.parsed[0].find(("services",))
            yield place, f"there is no service named {name}", f"name the service {name}"


@rule(
    ERROR, "Without the socket Kestrel listens on TCP, where nothing reaches it; as Kestrel makes it, no proxy connects"
)
def socket_code(stack: Stack) -> Violations:
    """Look for ListenUnixSocket, or an endpoint in the settings, and for who gives the socket its mode."""
    listens = stack.app.in_code(r"ListenUnixSocket\(")
    values = (text(value) for file in stack.app.settings for value in file.values.values())
    if not listens and not any("http://unix:/" in value for value in values):
        yield stack.app.program, "no code calls ListenUnixSocket", "write kestrel.ListenUnixSocket(path)"
    if listens and not stack.app.in_code(rf"\.{LIFECYCLE}\(|CreateBoundListenSocket"):
        problem = f"no code calls {LIFECYCLE}, which lets the proxy connect to this socket"
        yield listens[0][1], problem, f"write builder.{LIFECYCLE}()"
    for _, place in listens if not stack.socket else ():
        yield place, "the path of the socket is not known, and was not checked", "use the setting Socket:Path", INFO


@rule(ERROR, "The proxy rejects the address, or looks for a host of that name")
def upstream_address(stack: Stack) -> Violations:
    """Find upstreams that name a Unix socket in another way than the proxy's."""
    for upstream in stack.config.upstreams:
        if not upstream.socket:
            problem = f"{upstream.address} is not how {stack.proxy.name} writes a socket"
            yield upstream.place, problem, stack.proxy.syntax.upstream.format(socket="/path/of/the/socket")


@rule(ERROR, "The proxy answers 502 where what it connects to is not the socket that the app makes")
def socket_reach(stack: Stack) -> Violations:
    """Follow the socket from the app's path through the volume to the proxy's upstream."""
    path, place = stack.socket or ("", ("", 1))
    app = stack.model.shared_name(APP, path)
    if not stack.socket or not stack.services:
        return
    if not path.startswith("/"):
        yield place, f"the path of the socket is {path!r}, not an absolute path", "name a file in the volume's folder"
    elif not app:
        if any(upstream.socket == path for upstream in stack.config.upstreams):  # compose.yaml is what differs
            place = stack.at(APP, "volumes", holding=stack.socket_volume or "socket", key="target")
        folder = posixpath.dirname(posixpath.normpath(path))
        yield place, f"{APP}: no volume is mounted at the folder of the socket {path}", f"mount the volume at {folder}"
    else:
        yield from _mounted_read_only(stack, app)
        yield from _from_proxy(stack, app)


def _mounted_read_only(stack: Stack, app: Shared) -> Violations:
    for mount in stack.model.mounts(APP):
        if mount.source == app[0] and not mount.writable:
            place = stack.at(APP, "volumes", holding=mount.source, key="read_only")
            yield place, f"{APP}: {mount.target}, the folder of the socket, is mounted read-only", "remove read_only"


def _from_proxy(stack: Stack, app: Shared) -> Violations:
    """Report the upstreams that lead nowhere, or else that none leads to the app."""
    service, config = stack.proxy.service, stack.config
    misdirected = [
        one for upstream, found in _misdirected(stack, app) for one in _explained(stack, app, upstream, found)
    ]
    yield from misdirected
    leads = any(stack.model.shared_name(service, one.socket) == app for one in config.upstreams)
    malformed = any(not upstream.socket for upstream in config.upstreams)  # has its own finding
    if config.complete and not leads and not misdirected and not malformed:
        path = stack.socket[0] if stack.socket else ""
        yield config.routes_place, "no route leads to the app's socket", stack.proxy.syntax.upstream.format(socket=path)


def _misdirected(stack: Stack, app: Shared) -> list[tuple[Upstream, Shared | None]]:
    """Return the upstreams that reach neither the app's socket nor another service's, and what each reaches."""
    proxy = stack.proxy.service
    others = {mount.source for name in set(stack.model.services) - {APP, proxy} for mount in stack.model.mounts(name)}
    found = [(upstream, stack.model.shared_name(proxy, upstream.socket)) for upstream in stack.config.upstreams]
    return [(one, held) for one, held in found if one.socket and held != app and not (held and held[0] in others)]


def _explained(stack: Stack, app: Shared, upstream: Upstream, found: Shared | None) -> Violations:
    """Say what differs: the name in the volume, the proxy's mount, or the volume."""
    service, syntax = stack.proxy.service, stack.proxy.syntax
    path, place = stack.socket or ("", ("", 1))
    if found and found[0] == app[0]:
        problem = f"{stack.proxy.name} connects to {upstream.socket}, but the app listens on {path}"
        yield upstream.place, problem, f"{syntax.upstream.format(socket=path)}, or change {place[0]}:{place[1]}"
    elif found and upstream.socket == path:
        problem = f"{service}: {found[0]} is mounted at the folder of {path}, but the app's socket is in {app[0]}"
        yield stack.at(service, "volumes", holding=found[0]), problem, f"mount {app[0]} in both services"
    elif not found:
        at, remedy = upstream.place, syntax.upstream.format(socket=path)
        if upstream.socket == path:
            at = stack.at(service, "volumes", holding=app[0], key="target")
            folder = posixpath.dirname(posixpath.normpath(path))
            remedy = f"mount the volume {app[0]} at {folder}, not the socket itself"
        yield at, f"{service}: no volume is mounted at the folder of the socket {upstream.socket}", remedy


RULES = [service, socket_code, upstream_address, socket_reach]
