"""Nothing undoes the hardening."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stack.check.compose import Model
from stack.check.files import relative
from stack.check.project import Project
from stack.check.rule import APP, H2O, Finding, error, note, of_model, warning
from stack.check.shared import identity, socket_volume
from stack.check.values import is_on, items, mapping, text

# What opens a container up: the key, the values that do, and what they give away.
NEVER = {
    "privileged": ("true|yes|on", "gives it the whole host"),
    "cap_add": (".*", "gives it a right that it does without"),
    "devices": (".*", "gives it a device of the host"),
    "device_cgroup_rules": (".*", "gives it devices of the host"),
    "volumes_from": (".*", "mounts all that another container mounts"),
    "pid": (".+", "shows it the processes of others"),
    "ipc": ("host|shareable|container:.*|service:.*", "shares memory with others"),
    "uts": ("host", "lets it share the host's name"),
    "cgroup": ("host", "shows it the host's control groups"),
    "userns_mode": ("host", "takes it out of Docker's user namespace"),
    "network_mode": ("host|container:.*|service:.*", "puts it on the network of others"),
    "security_opt": (".*unconfined|.*disable|no-new-privileges[:=]false", "turns off a protection of the kernel"),
}
# What keeps it closed: the keys of which one must have such a value, and what happens without.
ALWAYS = [
    (error, [("read_only", "true|yes|on")], "its files can be changed; write read_only: true"),
    (error, [("cap_drop", "(?i)all")], "it keeps rights that it does without; write cap_drop: [ALL]"),
    (
        error,
        [("security_opt", "no-new-privileges([:=]true)?")],
        'a set-uid program gains rights; write security_opt: ["no-new-privileges:true"]',
    ),
    (
        warning,
        [("mem_limit", "[1-9].*"), ("deploy.resources.limits.memory", ".+")],
        "a leak takes the host's memory; write mem_limit: 256m",
    ),
    (
        warning,
        [("pids_limit", "[1-9].*"), ("deploy.resources.limits.pids", ".+")],
        "it may start processes without end; write pids_limit: 200",
    ),
    (
        warning,
        [("logging.options.max-size", ".+"), ("logging.driver", "(?!json-file$).+")],
        "its log grows until the disk is full; write logging: {options: {max-size: 10m}}",
    ),
    (
        warning,
        [("restart", "(?!no$|false$).+"), ("deploy.restart_policy.condition", ".+")],
        "it stays down after a fault, and after a restart of Docker; write restart: always",
    ),
]
HOST_PATHS = r"/|/(etc|proc|sys|dev|boot|root|home|usr|run|tmp|var|var/(run|lib|lib/docker))|.*/(docker|podman)\.sock"


@of_model
def containers_stay_closed(project: Project, model: Model) -> Iterator[Finding]:
    """Nothing undoes the hardening of the two services; of others, what would hand over the host is told."""
    for name in model.services:
        ours, tell = name in (APP, H2O), error if name in (APP, H2O) else warning
        for key, (values, effect) in NEVER.items():
            for value in items(model.get(name, key)) if ours or key == "privileged" else ():
                shown = text(value) or text(mapping(value).get("source"))
                if re.fullmatch(values, shown):
                    place = project.at(name, key, holding=shown)
                    yield tell(place, key.replace("_", "-"), f"{name}: `{key}: {shown}` {effect}; remove it")
        for mount in model.mounts(name):
            if mount.kind == "bind" and re.fullmatch(HOST_PATHS, mount.source):
                place = project.at(name, "volumes", holding=mount.target)
                message = f"{name}: the host's {mount.source} is a way out of the container; remove it"
                yield tell(place, "host-path", message)
        for level, ways, message in ALWAYS if ours else ():
            if not any(re.fullmatch(pattern, value) for key, pattern in ways for value in model.texts(name, key)):
                keys = ways[0][0].split(".")
                code = keys[0].replace("_", "-") if level is error else "limits"
                yield level(project.at(name, *keys), code, f"{name}: {message}")
    if model.text(APP, "container_name"):
        message = "app: two containers cannot have one name, and redeploy.py needs a second one; remove it"
        yield warning(project.at(APP, "container_name"), "container-name", message)


@of_model
def nobody_is_root(project: Project, model: Model) -> Iterator[Finding]:
    """Both services run as users of their own, whatever their images say."""
    app, h2o = identity(project, model, APP), identity(project, model, H2O)
    for name, known, uid in ((APP, app, 1654), (H2O, h2o, 1655)):
        if known and known[0] == 0:
            yield error(project.at(name, "user"), "user", f'{name}: it runs as root; write user: "{uid}:{uid}"')
    if app and h2o and app[0] == h2o[0] != 0:
        message = 'h2o runs as the app\'s user, and may do with the socket what it likes; write user: "1655:1655"'
        yield warning(project.at(H2O, "user"), "user", message)


@of_model
def the_socket_is_the_only_way_in(project: Project, model: Model) -> Iterator[Finding]:
    """The app has no TCP port, published or not, and no network that leads anywhere."""
    for target in (text(mapping(entry).get("target")) for entry in items(model.get(APP, "ports"))):
        message = f"app: its port {target} is published, past H2O; remove it"
        yield error(project.at(APP, "ports", holding=target), "app-port", message)
    if model.text(APP, "network_mode") in ("", "bridge"):
        for name in list(mapping(model.get(APP, "networks"))) or ["default"]:
            network, place = mapping(model.networks, name), project.at(APP, "networks", name, holding=name)
            if is_on(network.get("external")):
                yield note(place, "app-network", f"app: the network {name} is made elsewhere; see that it is internal")
            elif not is_on(network.get("internal")):
                message = f"app: the network {name} leads out; give it `internal: true`, or the app network_mode: none"
                yield error(place, "app-network", message)
    variables = mapping(model.get(APP, "environment"))
    for name, value in variables.items():
        opens = re.fullmatch(r"(?i)((ASPNETCORE_|DOTNET_)?(URLS|HTTPS?_PORTS))|Kestrel__Endpoints__.*__Url", name)
        if opens and text(value) and "unix:" not in text(value):
            place = project.at(APP, "environment", name, holding=name)
            yield error(place, "tcp", f'app: {name} asks for a TCP port; write {name}: ""')
    if "dotnet/aspnet" in model.text(APP, "image") and "ASPNETCORE_HTTP_PORTS" not in variables:
        message = 'app: the official image asks for TCP port 8080; write ASPNETCORE_HTTP_PORTS: ""'
        yield warning(project.at(APP, "environment"), "tcp", message)
    for doc in project.settings:
        for path, value in doc.values.items() if "Development" not in doc.file else ():
            listens = re.fullmatch(r"urls|kestrel:endpoints:.*:url", ":".join(map(str, path)).lower())
            if listens and text(value) and "unix:" not in text(value):
                yield error(doc.find(path)[1], "tcp", f"the app listens on {text(value)} beside its socket; remove it")
    for match, place in project.in_code(r"\b(ListenAnyIP|ListenLocalhost|UseUrls)\("):
        yield warning(place, "tcp", f"{match[1]} makes the app listen on TCP; keep it for Development")


@of_model
def mounts_are_read_only(project: Project, model: Model) -> Iterator[Finding]:
    """Neither service can change what it runs from, nor H2O the socket's folder; both have a /tmp of their own."""
    for name in (APP, H2O):
        for mount in model.mounts(name):
            own = mount.kind == "bind" and relative(mount.source) in ("publish", "h2o", "src", ".")
            socket = name == H2O and mount.kind == "volume" and mount.source == socket_volume(project, model)
            if mount.writable and (own or socket):
                place = project.at(name, "volumes", holding=mount.target, key="read_only")
                yield error(place, "writable", f"{name}: it may change {mount.target}; write read_only: true")
        temporary = text(mapping(model.get(name, "environment")).get("TMPDIR")) or "/tmp"  # noqa: S108
        held = model.holder(name, temporary)
        if is_on(model.get(name, "read_only")) and not (held and held[0].writable):
            message = f"{name}: it cannot write to {temporary}, and needs to"
            yield error(project.at(name, "tmpfs"), "tmp", f'{message}; write tmpfs: ["/tmp:size=64m,mode=1777"]')
