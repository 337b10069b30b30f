"""The proxy reaches the app's socket in the pod, and nobody else does."""

from __future__ import annotations

import posixpath

from uds_stack.check.project import Project
from uds_stack.check.rule import APP, ERROR, Violations, project_rule
from uds_stack.check.values import is_on, items, mapping, number, text
from uds_stack.options.kubernetes.manifests import Mount, manifests_of, model_of


@project_rule("kubernetes-user", ERROR, "Another user than in compose.yaml has no access to the socket")
def compare_users(project: Project) -> Violations:
    """Those of a container, or else of the pod."""
    manifests = manifests_of(project)
    for name in (APP, project.proxy.service):
        user, container = project.user(model_of(project), name), manifests.container(name)
        context = {**mapping(manifests.pod, "securityContext"), **mapping(container, "securityContext")}
        for key, wanted in (("runAsUser", user[0]), ("runAsGroup", user[1][0])) if user and container else ():
            if number(context.get(key)) != wanted:
                problem = f"{name}: {key} is {text(context.get(key)) or 'not set'}, and {wanted} in compose.yaml"
                yield manifests.at_container(name, "securityContext", key), problem, f"write {key}: {wanted}"


@project_rule("kubernetes-group", ERROR, "The socket has mode 0660: only its group may connect")
def require_socket_group(project: Project) -> Violations:
    """The app's group, which the socket has."""
    manifests = manifests_of(project)
    app, proxy = (mapping(manifests.container(name), "securityContext") for name in (APP, project.proxy.service))
    pod, group = mapping(manifests.pod, "securityContext"), number(app.get("runAsGroup"))
    given = [*items(pod.get("supplementalGroups")), pod.get("fsGroup"), proxy.get("runAsGroup")]
    if group is not None and proxy and group not in map(number, given):
        problem = f"{project.proxy.service} is not in the group {group} of the socket"
        place = manifests.at_pod("securityContext", "supplementalGroups")
        yield place, problem, f"write supplementalGroups: [{group}]"


def _socket(project: Project) -> tuple[str, Mount | None]:
    """Return the socket's path in the app's container, and the volume that holds it."""
    listens = project.app.socket(model_of(project))
    path = listens[0] if listens else ""
    return path, manifests_of(project).mount_of(APP, path) if path else None


@project_rule("kubernetes-socket-mount", ERROR, "A socket outside of a volume is the app's alone")
def mount_socket(project: Project) -> Violations:
    """Its volume is mounted above it."""
    manifests, (path, held) = manifests_of(project), _socket(project)
    if path and not held and manifests.container(APP):
        problem = f"{APP}: no volume is mounted above {path}"
        yield manifests.at_container(APP, "volumeMounts"), problem, "mount the volume of the socket there"


@project_rule("kubernetes-socket", ERROR, "The proxy finds no socket where the app has made none")
def match_socket(project: Project) -> Violations:
    """Both mount one volume, and their paths lead to one file of it."""
    manifests, service, held = manifests_of(project), project.proxy.service, _socket(project)[1]
    if not held or not manifests.container(service):
        return
    for upstream in project.app_upstreams(model_of(project)):
        found = manifests.mount_of(service, upstream.socket)
        if not found or (found.volume, found.name) != (held.volume, held.name):
            where = f"{found.name} of the volume {found.volume}" if found else "in no volume"
            problem = f"{service}: {upstream.socket} is {where}, but the app makes {held.name} of {held.volume}"
            remedy = f"mount {held.volume} with subPath {held.folder} at {posixpath.dirname(upstream.socket)}"
            yield manifests.at_container(service, "volumeMounts"), problem, remedy
            break  # the upstreams of one site have one socket


@project_rule("kubernetes-directory", ERROR, "Everybody may write to an emptyDir, and so replace a socket in it")
def require_own_directory(project: Project) -> Violations:
    """The app makes a directory of mode 0710 inside it."""
    manifests, (path, held) = manifests_of(project), _socket(project)
    if not held:
        return
    variables = {text(one.get("name")): one for one in map(mapping, items(manifests.container(APP).get("env")))}
    in_settings = project.app.setting(model_of(project), "Socket:CreateDirectory")
    value = text(mapping(variables, "Socket__CreateDirectory").get("value")) or (in_settings or ("",))[0]
    if not held.folder:
        problem = f"{APP}: every user may replace a socket that is in the volume {held.volume} itself"
        remedy = f"mount it at {posixpath.dirname(posixpath.dirname(path))}"
        yield manifests.at_container(APP, "volumeMounts"), problem, remedy
    elif not is_on(value):
        problem = f"{APP}: nothing makes the directory {posixpath.dirname(path)}"
        remedy = 'write {name: Socket__CreateDirectory, value: "true"} into env'
        yield manifests.at_container(APP, "env"), problem, remedy


@project_rule("kubernetes-volume", ERROR, "A socket on a disk outlives its process, and the node's folders are shared")
def require_memory(project: Project) -> Violations:
    """An emptyDir in memory, of limited size."""
    manifests, held = manifests_of(project), _socket(project)[1]
    volume = mapping(manifests.volume(held.volume), "emptyDir") if held else {}
    if held and (text(volume.get("medium")) != "Memory" or not text(volume.get("sizeLimit"))):
        problem = f"the socket's volume {held.volume} is not an emptyDir in memory with a limit"
        yield manifests.at_pod("volumes"), problem, "write emptyDir: {medium: Memory, sizeLimit: 64Mi}"
