"""One socket: what Kestrel binds is what the proxy connects to."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from uds_stack.check.model import Model
from uds_stack.check.project import Project
from uds_stack.check.proxy import Upstream
from uds_stack.check.rule import APP, ERROR, INFO, Violations, project_rule, rule
from uds_stack.check.values import Place, text
from uds_stack.socket_path import INSTANCE_SUFFIX_BYTES, MAX_BYTES

Shared = tuple[str, str]  # a volume or a folder of the host, and a name in it


@project_rule("service", ERROR, "the command uds-stack finds the two services by their names")
def find_services(project: Project) -> Violations:
    """The app's service has a fixed name, and the proxy's that of the proxy."""
    expected = (APP, project.proxy.service)
    for name in {name for model in project.all_models for name in expected if name not in model.services}:
        _, place = project.compose.documents[0].find(("services",))
        yield place, f"there is no service named {name}", f"name the service {name}"


@project_rule("socket-listen", ERROR, "Without a socket Kestrel listens on TCP, where nothing reaches it")
def listen_on_socket(project: Project) -> Violations:
    """ListenUnixSocket in the code, or an endpoint of Kestrel in the settings."""
    values = (text(value) for document in project.app.settings for value in document.values.values())
    if not project.app.in_code(r"ListenUnixSocket\(") and not any("http://unix:/" in value for value in values):
        yield project.app.program, "no code calls ListenUnixSocket", "write kestrel.ListenUnixSocket(path)"


@project_rule("socket-lifecycle", ERROR, "Kestrel makes the socket with mode 0755: the proxy may not connect")
def use_lifecycle(project: Project) -> Violations:
    """Whoever creates the bound socket sets its mode."""
    listens = project.app.in_code(r"ListenUnixSocket\(")
    if listens and not project.app.in_code(r"\.AddUnixSocketDefaults\(|CreateBoundListenSocket"):
        problem = "no code calls AddUnixSocketDefaults beside it"
        yield listens[0][1], problem, "write builder.AddUnixSocketDefaults()"


@rule("socket-unknown", INFO, "A path that the code computes cannot be compared")
def report_unknown_path(project: Project, model: Model) -> Violations:
    """The path is read from a literal, a constant or a setting."""
    if not project.app.socket(model):
        for _, place in project.app.in_code(r"ListenUnixSocket\("):
            yield place, "the path of the socket is not known, and was not checked", "use the setting Socket:Path"


@rule("socket-path", ERROR, "Kestrel listens on TCP without a path, and rejects a relative one")
def require_absolute_path(project: Project, model: Model) -> Violations:
    """It may come from any file that sets it."""
    path, place = project.app.socket(model) or ("/", ("", 1))
    if not path.startswith("/"):
        yield place, f"the path of the socket is {path!r}, not an absolute path", "name a file in the volume's folder"


@rule("socket-length", ERROR, f"Linux takes at most {MAX_BYTES} bytes for a socket's path")
def limit_path(project: Project, model: Model) -> Violations:
    """Each instance of the app binds a longer name beside the path."""
    path, place = project.app.socket(model) or ("", ("", 1))
    length = len(path.encode()) + INSTANCE_SUFFIX_BYTES
    if length > MAX_BYTES:
        problem = f"the path of the socket has {length} bytes with the suffix of an instance, not at most {MAX_BYTES}"
        yield place, problem, "choose a shorter path, the same in all files"


def _app_socket(project: Project, model: Model) -> tuple[str, Place] | None:
    """Return the absolute path that the app listens on, where it can be a socket's."""
    path, place = project.app.socket(model) or ("", ("", 1))
    short = len(path.encode()) + INSTANCE_SUFFIX_BYTES <= MAX_BYTES
    return (path, place) if path.startswith("/") and short else None


@rule("app-mount", ERROR, "A socket outside of the volume is not seen by the proxy")
def mount_socket_for_app(project: Project, model: Model) -> Violations:
    """Where the proxy has the same path, compose.yaml is what differs."""
    path, place = _app_socket(project, model) or ("", ("", 1))
    if path and not model.shared_name(APP, path):
        if any(upstream.socket == path for upstream in project.config.upstreams):
            place = project.at(APP, "volumes", holding=project.socket_volume(model) or "socket", key="target")
        folder = posixpath.dirname(posixpath.normpath(path))
        yield place, f"{APP}: no volume is mounted at the folder of the socket {path}", f"mount the volume at {folder}"


@rule("app-mount-read-only", ERROR, "The app makes the socket, and needs to write to the volume")
def mount_writable_for_app(project: Project, model: Model) -> Violations:
    """read_only belongs to the proxy's mount alone."""
    path, _ = _app_socket(project, model) or ("", None)
    shared = model.shared_name(APP, path)
    for mount in model.mounts(APP) if shared else ():
        if shared and mount.source == shared[0] and not mount.writable:
            place = project.at(APP, "volumes", holding=mount.source, key="read_only")
            yield place, f"{APP}: {mount.target}, the folder of the socket, is mounted read-only", "remove read_only"


def _strays(project: Project, model: Model) -> Iterator[tuple[Upstream, str, Place, Shared, Shared | None]]:
    """Return the upstreams that lead elsewhere than to the app's socket or to that of another service.

    Each comes with the app's path and its line, and with what the volumes hold at the app's path and at its own.
    """
    path, place = _app_socket(project, model) or ("", ("", 1))
    app, proxy = model.shared_name(APP, path), project.proxy.service
    others = {mount.source for name in set(model.services) - {APP, proxy} for mount in model.mounts(name)}
    for upstream in project.config.upstreams if app else ():
        found = model.shared_name(proxy, upstream.socket)
        if app and found != app and not (found and found[0] in others):
            yield upstream, path, place, app, found


@project_rule("upstream-address", ERROR, "The proxy rejects the address, or looks for a host of that name")
def parse_upstreams(project: Project) -> Violations:
    """An upstream that names a Unix socket in another way than the proxy's."""
    for upstream in project.config.upstreams:
        if not upstream.socket:
            problem = f"{upstream.address} is not how {project.proxy.name} writes a socket"
            yield upstream.place, problem, project.proxy.syntax.upstream.format(socket="/path/of/the/socket")


@rule("upstream-path", ERROR, "The proxy answers 502 where no process listens on the path")
def match_socket_paths(project: Project, model: Model) -> Violations:
    """The same volume, another name in it."""
    for upstream, path, place, app, found in _strays(project, model):
        if found and found[0] == app[0]:
            problem = f"{project.proxy.name} connects to {upstream.socket}, but the app listens on {path}"
            remedy = f"{project.proxy.syntax.upstream.format(socket=path)}, or change {place[0]}:{place[1]}"
            yield upstream.place, problem, remedy


@rule("proxy-mount", ERROR, "The proxy answers 502 where the volume of the socket is not mounted")
def mount_socket_for_proxy(project: Project, model: Model) -> Violations:
    """Where the proxy connects to the app's path, its mount is what differs; else its upstream is."""
    service = project.proxy.service
    for upstream, path, _, app, found in _strays(project, model):
        if upstream.socket and not found:
            place, remedy = upstream.place, project.proxy.syntax.upstream.format(socket=path)
            if upstream.socket == path:
                place = project.at(service, "volumes", holding=app[0], key="target")
                folder = posixpath.dirname(posixpath.normpath(path))
                remedy = f"mount the volume {app[0]} at {folder}, not the socket itself"
            problem = f"{service}: no volume is mounted at the folder of the socket {upstream.socket}"
            yield place, problem, remedy


@rule("proxy-volume", ERROR, "The proxy answers 502 where it mounts another volume than the app")
def match_volumes(project: Project, model: Model) -> Violations:
    """The same path, another volume."""
    service = project.proxy.service
    for upstream, path, _, app, found in _strays(project, model):
        if found and found[0] != app[0] and upstream.socket == path:
            problem = f"{service}: {found[0]} is mounted at the folder of {path}, but the app's socket is in {app[0]}"
            yield project.at(service, "volumes", holding=found[0]), problem, f"mount {app[0]} in both services"


@rule("upstream-missing", ERROR, "No request reaches the app where no route leads to its socket")
def require_upstream(project: Project, model: Model) -> Violations:
    """An upstream that leads elsewhere by mistake has its own finding."""
    path, _ = _app_socket(project, model) or ("", None)
    app, config = model.shared_name(APP, path), project.config
    leads = any(model.shared_name(project.proxy.service, upstream.socket) == app for upstream in config.upstreams)
    reported = any(
        not upstream.socket or not found or found[0] == app[0] or upstream.socket == path
        for upstream, _, _, app, found in _strays(project, model)
    )
    if app and config.complete and not leads and not reported:
        remedy = project.proxy.syntax.upstream.format(socket=path)
        yield config.routes_place, "no route leads to the app's socket", remedy
