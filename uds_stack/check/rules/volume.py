"""The volume lets the app create its socket and the proxy connect to it, and lets nobody else in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from uds_stack.check.compose_model import APP
from uds_stack.check.folder import Place
from uds_stack.check.rule import ERROR, Violations, rule
from uds_stack.check.stack import Stack
from uds_stack.check.yaml_values import Value, is_on, items, mapping, number, text

LIST_CHANGE_PASS, PASS = 7, 1  # bits of a directory's mode
ROOT = 0
FLAGS = ("nosuid", "nodev", "noexec")  # a volume for a socket needs neither programs nor devices
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


def _described(stack: Stack) -> tuple[dict[str, Value] | None, Place]:
    """Return the options of the socket's volume, and their line. None: it is external, or of another driver."""
    name = stack.socket_volume
    volume = mapping(stack.model.volumes, name)
    local = name and not is_on(volume.get("external")) and text(volume.get("driver") or "local") == "local"
    place = stack.compose.where("volumes", name, "driver_opts", "o")
    return (mapping(volume, "driver_opts") if local else None), place


def _tmpfs(options: dict[str, Value] | None) -> Tmpfs | None:
    """Return the directory that options describe, where they are those of a tmpfs, and the kernel accepts them."""
    words = dict((word + "=").split("=")[:2] for word in text(mapping(options).get("o")).split(","))
    uid, gid = number(words.get("uid", "0")), number(words.get("gid", "0"))
    mode = number(words.get("mode", "1777"), base=8)
    if text(mapping(options).get("type")) != "tmpfs" or uid is None or gid is None or mode is None:
        return None
    return Tmpfs(uid, gid, mode, frozenset(words))


@rule(ERROR, "The app cannot make its socket, or the proxy cannot connect, or others can replace it")
def volume_access(stack: Stack) -> Violations:
    """Compare the volume's owner and mode with the users of both services."""
    options, place = _described(stack)
    if options is not None and not options:  # root owns it
        yield place, "the volume of the socket has no driver_opts", "write driver_opts: type, device and o"
    if not (tmpfs := _tmpfs(options)):
        return
    if app := stack.user(APP):
        if not tmpfs.allows(LIST_CHANGE_PASS, app):
            problem = f"{APP}: the user {app[0]}:{app[1][0]} may not write to the volume, which is {tmpfs}"
            yield place, problem, f"write uid={app[0]},gid={app[1][0]},mode=0710"
        yield from _of_proxy(stack, tmpfs, place, app)
    if tmpfs.mode & 0o007:
        yield place, f"mode {tmpfs.mode:04o} opens the volume to all users", "write mode=0710"
    if lacking := ",".join(flag for flag in FLAGS if flag not in tmpfs.options):
        yield place, f"the volume lacks the options {lacking}", f"add {lacking}"


def _of_proxy(stack: Stack, tmpfs: Tmpfs, place: Place, app: User) -> Iterator[tuple[Place, str, str]]:
    """Require the group of the socket, whose mode is 0660, and a way to it. Root and the app's user have both."""
    service = stack.proxy.service
    proxy, group = stack.user(service), tmpfs.gid if tmpfs.mode & 0o2000 else app[1][0]
    if not proxy or proxy[0] in (ROOT, app[0]):
        return
    if group not in proxy[1]:  # a group by name would be looked up in the proxy's image, which does not know the app's
        problem = f"{service}: its user {proxy[0]} is not in the group {group} of the socket"
        yield stack.at(service, "group_add"), problem, f'write group_add: ["{group}"]'
    elif not tmpfs.allows(PASS, proxy):
        problem = f"{service}: its user may not pass through the volume, which is {tmpfs}"
        yield place, problem, f"write gid={group},mode=0710"


@rule(ERROR, "Compose keeps an existing volume as it is when its description changes")
def volume_stale(stack: Stack) -> Violations:
    """Compare the options that the engine has with those of compose.yaml."""
    found = items(stack.tools.volume.json) if stack.tools.volume else []
    volume = mapping(stack.model.volumes, stack.socket_volume)
    if found and not is_on(volume.get("external")):
        have, wanted, name = mapping(found[0], "Options"), mapping(volume, "driver_opts"), text(volume.get("name"))
        if have != wanted:
            problem = f"the volume {name} exists with other options ({have.get('o', 'none')})"
            place = stack.compose.where("volumes", stack.socket_volume, "driver_opts", "o")
            yield place, problem, f"run `docker compose down`, then `docker volume rm {name}`"


RULES = [volume_access, volume_stale]
