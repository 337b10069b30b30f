"""Both containers have the least privilege that they need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from uds_stack.check.compose_model import APP
from uds_stack.check.rule import ERROR, WARNING, Rule, Violations, rule
from uds_stack.check.stack import Stack
from uds_stack.check.yaml_values import is_on, items, mapping, text

APP_UID, PROXY_UID = 1654, 1655
YES = "true|yes|on"
HOST_PATHS = r"/|/(etc|proc|sys|dev|boot|root|home|usr|run|tmp|var|var/(run|lib|lib/docker))|.*/(docker|podman)\.sock"

# Keys that open a container: the values that do, and what they grant.
FORBIDDEN = {
    "privileged": (YES, "grants full access to the host"),
    "cap_add": (".*", "grants a capability that the container does not need"),
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


def _forbid(key: str, values: str, grants: str, stack: Stack) -> Violations:
    for name in stack.services:
        for value in items(stack.model.get(name, key)):
            shown = text(value)
            if re.fullmatch(values, shown):
                yield stack.at(name, key, holding=shown), f"{name}: `{key}: {shown}` {grants}", "remove it"


def _require(required: Required, stack: Stack) -> Violations:
    for name in stack.services:
        ways = ((pattern, value) for key, pattern in required.ways for value in stack.model.texts(name, key))
        if not any(re.fullmatch(pattern, value) for pattern, value in ways):
            keys = required.ways[0][0].split(".")
            yield stack.at(name, *keys), f"{name}: {required.why}", f"write {required.remedy}"


def _table() -> Iterator[Rule]:
    """Make a rule of each entry above."""
    for key, (values, grants) in FORBIDDEN.items():
        why = f"{grants[0].upper()}{grants[1:]}"
        yield Rule(key.replace("_", "-"), ERROR, why, partial(_forbid, key, values, grants))
    for one in REQUIRED:
        yield Rule(one.code, one.level, f"Without {one.remedy}, {one.why}", partial(_require, one))


@rule(ERROR, "A folder or a socket of the host is a way out of the container")
def host_path(stack: Stack) -> Violations:
    """Forbid what hands over the host, in the two services of this stack."""
    for name in stack.services:
        for mount in stack.model.mounts(name):
            if mount.kind == "bind" and re.fullmatch(HOST_PATHS, mount.source):
                place = stack.at(name, "volumes", holding=mount.target)
                yield place, f"{name}: {mount.source} of the host is a way out of the container", "remove it"


@rule(ERROR, "Root in a container is root wherever its isolation fails, and the app's user may replace the socket")
def user(stack: Stack) -> Violations:
    """Require a user other than root, whatever the image says, and another for the proxy than for the app."""
    app = stack.user(APP)
    for name, uid in zip(stack.services, (APP_UID, PROXY_UID), strict=False):
        found, remedy = stack.user(name), f'write user: "{uid}:{uid}"'
        if found and found[0] == 0:
            yield stack.at(name, "user"), f"{name}: it runs as root", remedy
        elif found and app and name != APP and found[0] == app[0]:
            yield stack.at(name, "user"), f"{name}: it runs as the user {found[0]} of {APP}", remedy, WARNING


@rule(ERROR, "A flaw that can change what a container runs from outlives a restart")
def writable_mount(stack: Stack) -> Violations:
    """Require read-only mounts of what runs, of what configures it, and, for the proxy, of the socket's folder."""
    service, configuration = stack.proxy.service, stack.config.file.rpartition("/")[0]
    for name in stack.services:
        for mount in stack.model.mounts(name):
            sources = ("publish", configuration, service, "src", ".")
            own = mount.kind == "bind" and stack.folder.relative(mount.source) in sources
            socket = name == service and mount.kind == "volume" and mount.source == stack.socket_volume
            if mount.writable and (own or socket):
                place = stack.at(name, "volumes", holding=mount.target, key="read_only")
                yield place, f"{name}: {mount.target} is mounted writable", "write read_only: true"


@rule(ERROR, "Both programs write to /tmp, and their root file systems are read-only")
def tmp(stack: Stack) -> Violations:
    """Require a tmpfs: the app notes its own socket there, and the proxy keeps large uploads."""
    for name in stack.services:
        temporary = text(mapping(stack.model.get(name, "environment")).get("TMPDIR")) or "/tmp"  # noqa: S108
        held = stack.model.mount_of(name, temporary)
        if is_on(stack.model.get(name, "read_only")) and not (held and held[0].writable):
            remedy = 'write tmpfs: ["/tmp:size=64m,mode=1777"]'
            yield stack.at(name, "tmpfs"), f"{name}: {temporary} is not writable", remedy


RULES = [*_table(), host_path, user, writable_mount, tmp]
