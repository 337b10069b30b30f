"""What several checks ask."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stack.check.rule import APP, H2O
from stack.check.values import Place, items, number

if TYPE_CHECKING:
    from stack.check.compose import Model
    from stack.check.project import Project


SOCKET_PATH_BYTES = 107  # what Linux leaves for a socket's path
INSTANCE_SUFFIX = len(".1a2b3c4d")  # SocketLifecycle.cs binds a name of its own beside the path
OFFICIAL_USERS = {"app": 1654, "$APP_UID": 1654, "root": 0, "": 0}  # those of the official .NET images


@dataclass(frozen=True)
class Upstream:
    """A path of h2o.conf that leads to a Unix socket."""

    url: str
    socket: str  # empty where the URL names none
    place: Place
    commands: dict[str, tuple[str, Place]]  # what holds there, whichever level says it
    unset: set[str]  # the headers that it takes off


def socket_volume(project: Project, model: Model) -> str:
    """Return the name of the volume that carries the socket: H2O's upstream is in it, or both services mount it."""
    held = [model.holder(H2O, up.socket) for up in project.upstreams]
    mounts = [one[0] for one in held if one] + model.mounts(APP) + model.mounts(H2O)
    shared = {mount.source for mount in model.mounts(APP)} & {mount.source for mount in model.mounts(H2O)}
    return next((mount.source for mount in mounts if mount.kind == "volume" and mount.source in shared), "")


def app_socket(project: Project, model: Model) -> tuple[str, Place] | None:
    """Return the path that the code hands to ListenUnixSocket, a literal or a setting. None: it cannot be told."""
    broken = any(doc.problems for doc in project.settings)
    for match, place in project.in_code(r"ListenUnixSocket\(\s*([^,)]*)") if not broken else ():
        argument, code = match[1].strip(), project.code[place[0]]
        constant = re.search(rf'const\s+string\s+{re.escape(argument)}\s*=\s*(@?"[^"]*")', code)
        literal = re.fullmatch(r'@?"([^"]*)"', constant[1] if constant else argument)
        if literal:
            return literal[1], place
        named = r'(?:\[|GetValue<string>\()\s*"([\w:]+)"'
        keys = re.findall(named, argument) or re.findall(named, code)
        key = "Socket:Path" if "Socket:Path" in keys else keys[0] if len(keys) == 1 else ""
        return project.setting(model, key) or (("", place) if key == "Socket:Path" else None)
    return None


def app_upstreams(project: Project, model: Model) -> list[Upstream]:
    """Return the paths of h2o.conf that lead to the app, or all that lead to a socket where none does."""
    listens = app_socket(project, model)
    app = model.place_of(APP, listens[0]) if listens else None
    return [up for up in project.upstreams if app and model.place_of(H2O, up.socket) == app] or project.upstreams


def identity(project: Project, model: Model, service: str) -> tuple[int, list[int]] | None:
    """Return the uid and the gids that a service runs with: compose.yaml's, or its Dockerfile's. None: unknown."""
    user = model.text(service, "user")
    if not user and model.get(service, "build"):
        last_stage = re.split(r"(?mi)^FROM\s", project.dockerfile_of(model, service)[1])[-1]
        user = ["", *re.findall(r"(?mi)^USER\s+(\S+)", last_stage)][-1]
    name, _, group = user.partition(":")
    uid = OFFICIAL_USERS.get(name, number(name))
    gid = OFFICIAL_USERS.get(group, number(group)) if group else 1654 if uid == 1654 else 0
    added = [number(extra) for extra in items(model.get(service, "group_add"))]
    return None if uid is None or gid is None else (uid, [gid, *(extra for extra in added if extra is not None)])
