"""One socket."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stack.check.compose import Model
from stack.check.files import folder
from stack.check.project import Project
from stack.check.rule import APP, H2O, Finding, error, note, of_model, of_project
from stack.check.shared import INSTANCE_SUFFIX, SOCKET_PATH_BYTES, app_socket, identity, socket_volume
from stack.check.values import Place, is_on, mapping, number, text


@of_project
def both_services_are_there(project: Project) -> Iterator[Finding]:
    """The two services keep their names: scripts/redeploy.py and the checks below call them by it."""
    for name in {name for model in project.all_models for name in (APP, H2O) if name not in model.services}:
        yield error(project.where("services"), "service", f"there is no service named {name}; name it so")


@of_model
def the_app_listens_on_a_socket(project: Project, model: Model) -> Iterator[Finding]:
    """The app listens on a socket whose mode and health SocketLifecycle.cs sees to, and knows Docker's commands."""
    listens = project.in_code(r"ListenUnixSocket\(")
    program = next(((file, 1) for file in project.code if file.endswith("Program.cs")), (project.app_folder, 1))

    def nearest(pattern: str) -> Place:
        return next((place for _, place in project.in_code(pattern)), program)

    by_settings = any("http://unix:/" in text(value) for doc in project.settings for value in doc.values.values())
    if not listens and not by_settings:
        message = "nothing calls ListenUnixSocket: Kestrel would listen on TCP, where nobody reaches it"
        yield error(program, "listen", f"{message}; write kestrel.ListenUnixSocket(path)")
    elif listens and not project.in_code(r"\.UseSocketLifecycle\(|CreateBoundListenSocket"):
        message = "the socket's mode would be 0755, and H2O may not connect; write builder.WebHost.UseSocketLifecycle()"
        yield error(listens[0][1], "listen", message)
    asked = project.in_code(r'"GET (/\S*) HTTP/1')
    if asked and not project.in_code(rf'"{re.escape(asked[0][0][1])}"'):
        message = f"no code answers {asked[0][0][1]}, which the app asks itself before it serves"
        remedy = f'write app.MapHealthChecks("{asked[0][0][1]}")'
        yield error(nearest("MapHealthChecks"), "healthz", f"{message}; {remedy}")
    test = model.texts(APP, "healthcheck.test")
    if "dotnet" in test and test[-1] == "health" and project.code and not project.in_code(r'"health"'):
        message = "no code answers the command `health`, which Docker runs: it would start a second app"
        remedy = 'write case ["health"]: return SocketCommands.Health();'
        yield error(nearest(r"switch \(args\)"), "healthz", f"{message}; {remedy}")


@of_model
def there_is_one_socket_path(project: Project, model: Model) -> Iterator[Finding]:
    """What Kestrel binds is what H2O asks for, in one volume that both mount, and short enough for Linux."""
    listens = app_socket(project, model)
    if not listens:
        for _, place in project.in_code(r"ListenUnixSocket\("):
            yield note(place, "not-checked", "the socket's path cannot be told from here; use the setting Socket:Path")
        return
    path, place = listens
    if not path.startswith("/"):
        message = f"the app's socket is {path!r}, not an absolute path; name one in the folder of the volume"
        yield error(place, "socket-path", message)
        return
    excess = len(path.encode()) + INSTANCE_SUFFIX - SOCKET_PATH_BYTES
    if excess > 0:
        message = f"the socket's path is {excess} bytes too long, with the {INSTANCE_SUFFIX} that an instance adds"
        yield error(place, "socket-length", f"{message}; choose a shorter one, the same in all files")
    app = model.place_of(APP, path)
    if not app:
        asked = any(up.socket == path for up in project.upstreams)
        at = project.at(APP, "volumes", holding=project.socket_volume or "socket", key="target") if asked else place
        message = f"app: the socket {path} is in no shared folder; mount the volume at {folder(path)}"
        yield error(at, "socket-mount", message)
        return
    if not all(mount.writable for mount in model.mounts(APP) if mount.source == app[0]):
        at = project.at(APP, "volumes", holding=app[0], key="read_only")
        yield error(at, "socket-mount", f"app: it may not write to {folder(path)}; remove read_only")
    others = {mount.source for name in set(model.services) - {APP, H2O} for mount in model.mounts(name)}
    found = False
    for up in project.upstreams:
        h2o = model.place_of(H2O, up.socket)
        at, code, remedy = up.place, "socket-path", f'write "http://[unix:{path}]/", or the same in all files'
        if h2o == app or (h2o and h2o[0] in others):
            found |= h2o == app
            continue
        if not up.socket:
            message = f"{up.url} is not how H2O writes a socket"
        elif not h2o:
            message, code = f"h2o: the socket {up.socket} is in no shared folder", "socket-mount"
            if up.socket == path:
                at = project.at(H2O, "volumes", holding=app[0], key="target")
                remedy = f"mount the volume {app[0]} at {folder(path)}, and not the socket itself"
        elif h2o[0] == app[0]:
            message = f"H2O asks {up.socket}, while the app listens on {path} ({place[0]}:{place[1]})"
        elif up.socket == path:
            message = f"h2o mounts {h2o[0]} at {folder(path)}, while the app's socket is in {app[0]}"
            code = "socket-mount"
            at, remedy = project.at(H2O, "volumes", holding=h2o[0]), "mount the same volume in both"
        else:
            continue
        found = True
        yield error(at, code, f"{message}; {remedy}")
    if not found and project.conf.data and not project.conf.includes_others:
        message = f'no path leads to the app\'s socket; write proxy.reverse.url: "http://[unix:{path}]/" at one'
        yield error(project.conf.find(("hosts",))[1], "socket-path", message)


@of_model
def the_volume_lets_both_in(project: Project, model: Model) -> Iterator[Finding]:
    """The app makes, lists and removes names in the volume; H2O passes through it to the socket, and nothing else."""
    name = socket_volume(project, model)
    volume = mapping(model.volumes, name)
    options, at = mapping(volume, "driver_opts"), project.where("volumes", name, "driver_opts", "o")
    if not name or is_on(volume.get("external")) or text(volume.get("driver") or "local") != "local":
        return
    if not options:
        message = "root owns a plain volume, and the app may not write to it; restore driver_opts: type, device and o"
        yield error(at, "volume-owner", message)
    if text(options.get("type")) != "tmpfs":
        return
    given = dict((word + "=").split("=")[:2] for word in text(options.get("o")).split(","))
    owner, group = number(given.get("uid", "0")), number(given.get("gid", "0"))
    mode = number(given.get("mode", "1777"), base=8)
    if owner is None or group is None or mode is None:
        yield error(at, "volume-owner", "uid, gid or mode is not a number; write uid=1654,gid=1654,mode=0710")
        return

    def may(wanted: int, user: tuple[int, list[int]]) -> bool:  # 4 list, 2 change, 1 pass
        shift = 6 if user[0] == owner else 3 if group in user[1] else 0
        return user[0] == 0 or (mode >> shift) & wanted == wanted

    app, h2o = identity(project, model, APP), identity(project, model, H2O)
    described = f"the volume, which is {owner}:{group} with mode {mode:04o}"
    if app and not may(7, app):
        message = f"app: the user {app[0]}:{app[1][0]} may not write to {described}"
        yield error(at, "volume-owner", f"{message}; write uid={app[0]},gid={app[1][0]},mode=0710")
    if app and h2o and h2o[0] not in (0, app[0]):
        socket_group = group if mode & 0o2000 else app[1][0]
        if socket_group not in h2o[1]:
            message = f"h2o: it is not in the group {socket_group} of the socket, and may not connect"
            yield error(project.at(H2O, "group_add"), "volume-owner", f'{message}; write group_add: ["{socket_group}"]')
        elif not may(1, h2o):
            yield error(at, "volume-owner", f"h2o: it may not pass {described}; write gid={socket_group},mode=0710")
    if mode & 0o007:
        message = f"mode {mode:04o} lets in all users of all containers that mount it; write mode=0710"
        yield error(at, "volume-open", message)
    lacking = ",".join(option for option in ("nosuid", "nodev", "noexec") if option not in given)
    if lacking:
        yield error(at, "volume-open", f"the volume could hold more than a socket; add {lacking}")
