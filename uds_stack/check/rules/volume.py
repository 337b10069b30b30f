"""The volume lets the app make its socket, and the proxy pass through to it, and nobody else."""

from __future__ import annotations

from typing import NamedTuple

from uds_stack.check.model import Model
from uds_stack.check.project import Project
from uds_stack.check.rule import APP, ERROR, Violations, project_rule, rule
from uds_stack.check.values import Place, is_on, items, mapping, number, text

LIST_CHANGE_PASS, PASS = 7, 1  # bits of a directory's mode
ROOT = 0
User = tuple[int, list[int]]


class Tmpfs(NamedTuple):
    """The directory that the volume's options describe."""

    uid: int
    gid: int
    mode: int
    options: frozenset[str]

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid} with mode {self.mode:04o}"

    def allows(self, wanted: int, user: User) -> bool:
        """Return whether a user has these bits."""
        shift = 6 if user[0] == self.uid else 3 if self.gid in user[1] else 0
        return user[0] == ROOT or (self.mode >> shift) & wanted == wanted


def _volume(project: Project, model: Model) -> tuple[dict[str, object], Place]:
    """Return the socket's volume as compose.yaml describes it, where it does, and the line of its options."""
    name = project.socket_volume(model)
    volume = mapping(model.volumes, name)
    local = name and not is_on(volume.get("external")) and text(volume.get("driver") or "local") == "local"
    place = project.compose.where("volumes", name, "driver_opts", "o")
    return ({"options": mapping(volume, "driver_opts")} if local else {}), place


def _words(options: object) -> dict[str, str]:
    return dict((word + "=").split("=")[:2] for word in text(mapping(options).get("o")).split(","))


def _tmpfs(project: Project, model: Model) -> tuple[Tmpfs, Place] | None:
    volume, place = _volume(project, model)
    options = mapping(volume, "options")
    words = _words(options)
    uid, gid = number(words.get("uid", "0")), number(words.get("gid", "0"))
    mode = number(words.get("mode", "1777"), base=8)
    if text(options.get("type")) != "tmpfs" or uid is None or gid is None or mode is None:
        return None
    return Tmpfs(uid, gid, mode, frozenset(words)), place


@rule("volume-plain", ERROR, "Root owns a plain volume, and the app may not write to it")
def describe_volume(project: Project, model: Model) -> Violations:
    """An external volume, or one of another driver, is the user's own."""
    volume, place = _volume(project, model)
    if volume and not volume["options"]:
        yield place, "the volume of the socket has no driver_opts", "write driver_opts: type, device and o"


@rule("volume-options", ERROR, "The kernel rejects a tmpfs whose uid, gid or mode is not a number")
def parse_options(project: Project, model: Model) -> Violations:
    """No container starts then."""
    volume, place = _volume(project, model)
    options = mapping(volume, "options")
    if text(options.get("type")) == "tmpfs":
        words = _words(options)
        for name, base in (("uid", 10), ("gid", 10), ("mode", 8)):
            if name in words and number(words[name], base) is None:
                yield place, f"{name}={words[name]} is not a number", "write uid=1654,gid=1654,mode=0710"


@rule("volume-app", ERROR, "The app makes, lists and removes names in the volume")
def let_app_write(project: Project, model: Model) -> Violations:
    """It needs all three bits of the directory's mode."""
    app, tmpfs = project.user(model, APP), _tmpfs(project, model)
    if app and tmpfs and not tmpfs[0].allows(LIST_CHANGE_PASS, app):
        problem = f"{APP}: the user {app[0]}:{app[1][0]} may not write to the volume, which is {tmpfs[0]}"
        yield tmpfs[1], problem, f"write uid={app[0]},gid={app[1][0]},mode=0710"


def _proxy_user(project: Project, model: Model) -> tuple[User, int] | None:
    """Return the proxy's user and the group of the socket, where the user is neither root nor the app's."""
    app, proxy = project.user(model, APP), project.user(model, project.proxy.service)
    tmpfs = _tmpfs(project, model)
    if not app or not proxy or not tmpfs or proxy[0] in (ROOT, app[0]):
        return None
    return proxy, tmpfs[0].gid if tmpfs[0].mode & 0o2000 else app[1][0]


@rule("socket-group", ERROR, "The socket has mode 0660: only its group may connect")
def let_proxy_connect(project: Project, model: Model) -> Violations:
    """A group by name would be looked up in the proxy's image, which does not know the app's."""
    service, found = project.proxy.service, _proxy_user(project, model)
    if found and found[1] not in found[0][1]:
        problem = f"{service}: its user {found[0][0]} is not in the group {found[1]} of the socket"
        yield project.at(service, "group_add"), problem, f'write group_add: ["{found[1]}"]'


@rule("volume-proxy", ERROR, "The proxy passes through the volume to the socket")
def let_proxy_pass(project: Project, model: Model) -> Violations:
    """It needs no more than the last bit of the directory's mode."""
    tmpfs, found = _tmpfs(project, model), _proxy_user(project, model)
    if tmpfs and found and found[1] in found[0][1] and not tmpfs[0].allows(PASS, found[0]):
        problem = f"{project.proxy.service}: its user may not pass through the volume, which is {tmpfs[0]}"
        yield tmpfs[1], problem, f"write gid={found[1]},mode=0710"


@rule("volume-mode", ERROR, "A volume that is open to others lets any user of any container take the socket's name")
def close_volume(project: Project, model: Model) -> Violations:
    """A tmpfs without a mode is open to everybody."""
    tmpfs = _tmpfs(project, model)
    if tmpfs and tmpfs[0].mode & 0o007:
        yield tmpfs[1], f"mode {tmpfs[0].mode:04o} opens the volume to all users", "write mode=0710"


@rule("volume-flags", ERROR, "A volume for a socket needs neither programs nor devices")
def restrict_volume(project: Project, model: Model) -> Violations:
    """The mount options that forbid them."""
    tmpfs = _tmpfs(project, model)
    lacking = [word for word in ("nosuid", "nodev", "noexec") if tmpfs and word not in tmpfs[0].options]
    if tmpfs and lacking:
        yield tmpfs[1], f"the volume lacks the options {', '.join(lacking)}", f"add {','.join(lacking)}"


@project_rule("volume-stale", ERROR, "Compose keeps an existing volume as it is when its description changes")
def compare_existing_volume(project: Project) -> Violations:
    """The options that the engine has are compared with those of compose.yaml."""
    found = items(project.volume.json) if project.volume else []
    name = project.socket_volume(project.models[0]) if found else ""
    volume = mapping(project.models[0].volumes, name) if found else {}
    if found and not is_on(volume.get("external")):
        have, wanted = mapping(found[0], "Options"), mapping(volume, "driver_opts")
        if have != wanted:
            problem = f"the volume {text(volume.get('name'))} exists with other options ({have.get('o', 'none')})"
            place = project.compose.where("volumes", name, "driver_opts", "o")
            yield place, problem, "run `docker compose down --volumes` once"
