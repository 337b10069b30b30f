"""Both containers have the least privilege that they need; other services do not hand over the host."""

from __future__ import annotations

import re
from functools import partial
from typing import NamedTuple

from uds_stack.check.model import Model
from uds_stack.check.project import Project
from uds_stack.check.rule import APP, ERROR, WARNING, Rule, Violations, register, rule
from uds_stack.check.values import is_on, items, mapping, text

APP_UID, PROXY_UID = 1654, 1655
YES = "true|yes|on"
HOST_PATHS = r"/|/(etc|proc|sys|dev|boot|root|home|usr|run|tmp|var|var/(run|lib|lib/docker))|.*/(docker|podman)\.sock"

# Keys that open a container: the values that do, and what they grant.
FORBIDDEN = {
    "privileged": (YES, "grants full access to the host"),
    "cap_add": (".*", "grants a capability that the container does not need"),
    "devices": (".*", "grants access to a device of the host"),
    "device_cgroup_rules": (".*", "grants access to devices of the host"),
    "volumes_from": (".*", "mounts everything that another container mounts"),
    "pid": (".+", "shows the processes of others"),
    "ipc": ("host|shareable|container:.*|service:.*", "shares memory with others"),
    "uts": ("host", "shares the host name of the host"),
    "cgroup": ("host", "shows the control groups of the host"),
    "userns_mode": ("host", "leaves Docker's user namespace"),
    "network_mode": ("host|container:.*|service:.*", "joins the network of others"),
    "security_opt": (".*unconfined|.*disable|no-new-privileges[:=]false", "disables a protection of the kernel"),
}


class Required(NamedTuple):
    """A setting that a container needs."""

    code: str
    level: str
    why: str
    ways: tuple[tuple[str, str], ...]  # keys, of which one must have a value that matches
    remedy: str


REQUIRED = (
    Required("read-only", ERROR, "its root file system is writable", (("read_only", YES),), "read_only: true"),
    Required("cap-drop", ERROR, "it keeps capabilities", (("cap_drop", "(?i)all"),), "cap_drop: [ALL]"),
    Required(
        "no-new-privileges",
        ERROR,
        "a set-uid program gains privileges",
        (("security_opt", "no-new-privileges([:=]true)?"),),
        'security_opt: ["no-new-privileges:true"]',
    ),
    Required(
        "memory-limit",
        WARNING,
        "a leak exhausts the host's memory",
        (("mem_limit", "[1-9].*"), ("deploy.resources.limits.memory", ".+")),
        "mem_limit: 256m",
    ),
    Required(
        "pids-limit",
        WARNING,
        "the number of its processes has no limit",
        (("pids_limit", "[1-9].*"), ("deploy.resources.limits.pids", ".+")),
        "pids_limit: 200",
    ),
    Required(
        "log-limit",
        WARNING,
        "its log grows until the disk is full",
        (("logging.options.max-size", ".+"), ("logging.driver", "(?!json-file$).+")),
        "logging: {options: {max-size: 10m}}",
    ),
    Required(
        "restart",
        WARNING,
        "it stays down after a fault, and after a restart of Docker",
        (("restart", "(?!no$|false$).+"), ("deploy.restart_policy.condition", ".+")),
        "restart: always",
    ),
)


def _ours(project: Project) -> tuple[str, str]:
    return APP, project.proxy.service


def _forbid(key: str, values: str, grants: str, project: Project, model: Model) -> Violations:
    for name in _ours(project):
        for value in items(model.get(name, key)):
            shown = text(value) or text(mapping(value).get("source"))
            if re.fullmatch(values, shown):
                yield project.at(name, key, holding=shown), f"{name}: `{key}: {shown}` {grants}", "remove it"


def _require(required: Required, project: Project, model: Model) -> Violations:
    for name in _ours(project):
        ways = ((pattern, value) for key, pattern in required.ways for value in model.texts(name, key))
        if not any(re.fullmatch(pattern, value) for pattern, value in ways):
            keys = required.ways[0][0].split(".")
            yield project.at(name, *keys), f"{name}: {required.why}", f"write {required.remedy}"


for _key, (_values, _grants) in FORBIDDEN.items():
    _why = f"{_grants[0].upper()}{_grants[1:]}"
    register(Rule(_key.replace("_", "-"), ERROR, _why, check_model=partial(_forbid, _key, _values, _grants)))
for _required in REQUIRED:
    _why = f"Without {_required.remedy}, {_required.why}"
    register(Rule(_required.code, _required.level, _why, check_model=partial(_require, _required)))


def _host_paths(project: Project, model: Model, names: set[str]) -> Violations:
    for name in names:
        for mount in model.mounts(name):
            if mount.kind == "bind" and re.fullmatch(HOST_PATHS, mount.source):
                place = project.at(name, "volumes", holding=mount.target)
                yield place, f"{name}: {mount.source} of the host is a way out of the container", "remove it"


@rule("host-path", ERROR, "A folder or a socket of the host is a way out of the container")
def mount_no_host_path(project: Project, model: Model) -> Violations:
    """In the two services of this stack."""
    yield from _host_paths(project, model, set(_ours(project)))


@rule("other-host-path", WARNING, "One flaw in any service with a way out hands over the host")
def report_host_path(project: Project, model: Model) -> Violations:
    """In the user's own services."""
    yield from _host_paths(project, model, set(model.services) - set(_ours(project)))


@rule("other-privileged", WARNING, "One flaw in any privileged service hands over the host")
def report_privileged(project: Project, model: Model) -> Violations:
    """In the user's own services."""
    for name in set(model.services) - set(_ours(project)):
        if is_on(model.get(name, "privileged")):
            problem = f"{name}: `privileged: true` {FORBIDDEN['privileged'][1]}"
            yield project.at(name, "privileged"), problem, "remove it"


@rule("container-name", WARNING, "Two containers cannot have one name, and `uds-stack deploy` needs a second instance")
def set_no_container_name(project: Project, model: Model) -> Violations:
    """The proxy has one instance, and may have a name."""
    if model.text(APP, "container_name"):
        yield project.at(APP, "container_name"), f"{APP}: container_name allows one instance only", "remove it"


@rule("root-user", ERROR, "Root in a container is root wherever its isolation fails")
def require_user(project: Project, model: Model) -> Violations:
    """Whatever the image says."""
    for name, uid in ((APP, APP_UID), (project.proxy.service, PROXY_UID)):
        user = project.user(model, name)
        if user and user[0] == 0:
            yield project.at(name, "user"), f"{name}: it runs as root", f'write user: "{uid}:{uid}"'


@rule("same-user", WARNING, "A proxy with the app's user may replace the socket")
def separate_users(project: Project, model: Model) -> Violations:
    """Each service has a user of its own."""
    service = project.proxy.service
    app, proxy = project.user(model, APP), project.user(model, service)
    if app and proxy and app[0] == proxy[0] != 0:
        problem = f"{service}: it runs as the user {proxy[0]} of {APP}"
        yield project.at(service, "user"), problem, f'write user: "{PROXY_UID}:{PROXY_UID}"'


@rule("writable-mount", ERROR, "A flaw that can change what a container runs from outlives a restart")
def mount_read_only(project: Project, model: Model) -> Violations:
    """What runs, what configures it, and the socket's folder for the proxy."""
    service, configuration = project.proxy.service, project.config.file.rpartition("/")[0]
    for name in _ours(project):
        for mount in model.mounts(name):
            sources = ("publish", configuration, service, "src", ".")
            own = mount.kind == "bind" and project.folder.relative(mount.source) in sources
            socket = name == service and mount.kind == "volume" and mount.source == project.socket_volume(model)
            if mount.writable and (own or socket):
                place = project.at(name, "volumes", holding=mount.target, key="read_only")
                yield place, f"{name}: {mount.target} is mounted writable", "write read_only: true"


@rule("tmp", ERROR, "Both programs write to /tmp, and their root file systems are read-only")
def mount_tmp(project: Project, model: Model) -> Violations:
    """The app notes its own socket there, and the proxy keeps large uploads."""
    for name in _ours(project):
        temporary = text(mapping(model.get(name, "environment")).get("TMPDIR")) or "/tmp"  # noqa: S108
        held = model.mount_of(name, temporary)
        if is_on(model.get(name, "read_only")) and not (held and held[0].writable):
            remedy = 'write tmpfs: ["/tmp:size=64m,mode=1777"]'
            yield project.at(name, "tmpfs"), f"{name}: {temporary} is not writable", remedy
