"""In the pod, the proxy alone reaches the app's socket."""

from __future__ import annotations

import posixpath

from uds_stack.check.compose_model import APP
from uds_stack.check.rule import ERROR, Violations, rule
from uds_stack.check.stack import Stack
from uds_stack.check.yaml_values import is_on, items, mapping, number, text
from uds_stack.options.kubernetes.manifests import Kubernetes, Mount


@rule(ERROR, "The proxy does not reach the app's socket in the pod, or every user of the pod may replace it")
def kubernetes_socket(stack: Stack) -> Violations:
    """Compare users, group, directory and paths with those of compose.yaml."""
    manifests = stack.option(Kubernetes)
    yield from _users(stack, manifests)
    yield from _group(stack, manifests)
    path = stack.socket[0] if stack.socket else ""
    if held := manifests.mount_of(APP, path) if path else None:
        yield from _directory(stack, manifests, path, held)
        yield from _paths(stack, manifests, held)


def _users(stack: Stack, manifests: Kubernetes) -> Violations:
    """Require the users of compose.yaml: those of a container, or else of the pod."""
    for name in stack.services:
        user, container = stack.user(name), manifests.container(name)
        context = {**mapping(manifests.pod, "securityContext"), **mapping(container, "securityContext")}
        for key, wanted in (("runAsUser", user[0]), ("runAsGroup", user[1][0])) if user and container else ():
            if number(context.get(key)) != wanted:
                problem = f"{name}: {key} is {text(context.get(key)) or 'not set'}, but {wanted} in compose.yaml"
                yield manifests.at_container(name, "securityContext", key), problem, f"write {key}: {wanted}"


def _group(stack: Stack, manifests: Kubernetes) -> Violations:
    """Require the app's group for the proxy: the socket has mode 0660."""
    app, proxy = (mapping(manifests.container(name), "securityContext") for name in (APP, stack.proxy.service))
    pod, group = mapping(manifests.pod, "securityContext"), number(app.get("runAsGroup"))
    given = [*items(pod.get("supplementalGroups")), pod.get("fsGroup"), proxy.get("runAsGroup")]
    if group is not None and proxy and group not in map(number, given):
        problem = f"{stack.proxy.service} is not in the group {group} of the socket"
        place = manifests.at_pod("securityContext", "supplementalGroups")
        yield place, problem, f"write supplementalGroups: [{group}]"


def _directory(stack: Stack, manifests: Kubernetes, path: str, held: Mount) -> Violations:
    """Require a directory that the app makes with mode 0710: everybody may write to an emptyDir itself."""
    variables = {text(one.get("name")): one for one in map(mapping, items(manifests.container(APP).get("env")))}
    in_settings = stack.app.setting(stack.model, "Socket:CreateDirectory")
    value = text(mapping(variables, "Socket__CreateDirectory").get("value")) or (in_settings or ("",))[0]
    if not held.folder:
        problem = f"{APP}: every user may replace a socket that is in the volume {held.volume} itself"
        remedy = f"mount it at {posixpath.dirname(posixpath.dirname(path))}"
        yield manifests.at_container(APP, "volumeMounts"), problem, remedy
    elif not is_on(value):
        problem = f"{APP}: nothing makes the directory {posixpath.dirname(path)}"
        remedy = 'write {name: Socket__CreateDirectory, value: "true"} into env'
        yield manifests.at_container(APP, "env"), problem, remedy


def _paths(stack: Stack, manifests: Kubernetes, held: Mount) -> Violations:
    """Require that the paths of both containers lead to one file of one volume."""
    service = stack.proxy.service
    for upstream in stack.app_upstreams if manifests.container(service) else ():
        found = manifests.mount_of(service, upstream.socket)
        if not found or (found.volume, found.name) != (held.volume, held.name):
            where = f"{found.name} of the volume {found.volume}" if found else "in no volume"
            problem = f"{service}: {upstream.socket} is {where}, but the app makes {held.name} of {held.volume}"
            remedy = f"mount {held.volume} with subPath {held.folder} at {posixpath.dirname(upstream.socket)}"
            yield manifests.at_container(service, "volumeMounts"), problem, remedy
            break  # the upstreams of one site have one socket
