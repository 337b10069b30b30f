"""What kubectl says about the manifests, and whether the pod serves and stops as the services of compose.yaml do."""

from __future__ import annotations

import posixpath
import re

from uds_stack.check.compose_model import APP
from uds_stack.check.rule import ERROR, Violations, rule
from uds_stack.check.rules.shutdown import SHUTDOWN, shutdown_timeout
from uds_stack.check.stack import Stack
from uds_stack.check.yaml_values import items, mapping, number, text
from uds_stack.options.kubernetes.manifests import Kubernetes
from uds_stack.options.kubernetes.socket import kubernetes_socket

PLACEHOLDER = r"(.*\.)?example(\.(com|net|org))?(:\d+)?"  # reserved host names
DEFAULT_GRACE = 30  # seconds, Kubernetes' own
FORGET = 5  # seconds until every node knows that a pod is stopping


@rule(ERROR, "kubectl applies nothing that it cannot render", only_if_unexplained=True)
def kubernetes_rejected(stack: Stack) -> Violations:
    """Report what `kubectl kustomize` rejects, in its own words."""
    manifests = stack.option(Kubernetes)
    query = manifests.rendering
    if query and (query.failure or query.result.code != 0):
        why = (query.failure or query.complaint).removeprefix("error: ")
        yield (manifests.file, 1), f"`kubectl kustomize` rejects the manifests: {why}", "correct this"


@rule(ERROR, "The cluster finds no image under the name of the template's example")
def kubernetes_image(stack: Stack) -> Violations:
    """Look for the example's registry in the kustomization."""
    for image in stack.option(Kubernetes).images:
        if re.fullmatch(PLACEHOLDER, image.name.partition("/")[0]):
            yield image.place, f"{image.name} is a placeholder", "write your registry, and your own name there"


@rule(ERROR, "Without it the pod does not wait for the app, or kills it while it works")
def kubernetes_probe(stack: Stack) -> Violations:
    """Require that both probes of the app run the health check of compose.yaml."""
    manifests, test = stack.option(Kubernetes), stack.model.texts(APP, "healthcheck.test")
    wanted = test[1:] if test[:1] == ["CMD"] else []
    for probe in ("startupProbe", "livenessProbe") if wanted and manifests.container(APP) else ():
        found = mapping(manifests.container(APP), probe)
        command = [text(word) for word in items(mapping(found, "exec").get("command"))]
        if command != wanted:
            problem = f"{APP}: {probe} runs {' '.join(command) or 'no command'}, not compose.yaml's health check"
            place = manifests.at_container(APP, probe, "exec", "command")
            yield place, problem, f"write exec.command: [{', '.join(wanted)}]"


@rule(ERROR, "A Service forwards to a port on which nothing listens")
def kubernetes_port(stack: Stack) -> Violations:
    """Compare the Service's ports with the proxy's: TCP, and UDP for HTTP/3."""
    manifests, service = stack.option(Kubernetes), stack.proxy.service
    for i, entry in enumerate(map(mapping, items(mapping(manifests.find("Service"), "spec").get("ports")))):
        listens = stack.ports((text(entry.get("protocol")) or "TCP").lower())
        target = entry.get("targetPort", entry.get("port"))
        if stack.ports() and number(manifests.port(service, target)) not in listens:
            known = " and ".join(map(str, sorted(listens))) or "no such port"
            problem = f"the Service forwards to {text(target)}, but {stack.proxy.name} listens on {known}"
            yield manifests.at("Service", "spec", "ports", i, "targetPort"), problem, "write a port of the proxy"


@rule(ERROR, "The proxy does not start without its files, or does not serve them")
def kubernetes_config(stack: Stack) -> Violations:
    """Require the files that compose.yaml mounts in a ConfigMap of kustomization.yaml."""
    manifests, service, path = stack.option(Kubernetes), stack.proxy.service, stack.config.path
    held = manifests.mount_of(service, path)
    if not manifests.container(service):
        return
    config_map = text(mapping(manifests.volume(held.volume), "configMap").get("name")) if held else ""
    if not config_map or not held:
        place = manifests.at_container(service, "volumeMounts")
        yield place, f"{service}: no ConfigMap is mounted at {posixpath.dirname(path)}", "mount it"
        return
    folder, (files, place) = posixpath.dirname(stack.config.file), manifests.generated(config_map)
    needed = {path, *(served for served, _ in stack.config.served_files)}
    for one in sorted(one for one in needed if one.startswith(held.path + "/")) if files else ():
        key = posixpath.relpath(one, held.path)
        if files.get(key) != f"{folder}/{key}":
            yield place, f"the ConfigMap {config_map} lacks {folder}/{key}, which {service} reads", "add it to files"


@rule(ERROR, "Each rolling update loses requests, silently, where the pod's containers stop in the wrong order")
def kubernetes_shutdown(stack: Stack) -> Violations:
    """Require that the app outlives the proxy, that the proxy waits for the nodes, and that both have the time."""
    manifests, service = stack.option(Kubernetes), stack.proxy.service
    if manifests.container(APP) and not manifests.is_sidecar(APP):
        problem = f"{APP} is not a sidecar: it does not outlive {service}"
        remedy = "write it into initContainers, with restartPolicy: Always"
        yield manifests.at_container(APP, "restartPolicy"), problem, remedy
    hook = mapping(manifests.container(service), "lifecycle", "preStop")
    # A command takes a time that is not known, and counts as the usual one.
    sleep = number(mapping(hook, "sleep").get("seconds")) or (FORGET if hook.get("exec") else 0)
    if manifests.container(service) and not sleep:
        place = manifests.at_container(service, "lifecycle")
        yield place, f"{service}: it stops while nodes still send it requests", f"write preStop.sleep.seconds: {FORGET}"
    grace, shutdown = number(manifests.pod.get("terminationGracePeriodSeconds", DEFAULT_GRACE)), shutdown_timeout(stack)
    if manifests.pod and grace is not None and grace <= sleep + shutdown:
        problem = f"terminationGracePeriodSeconds ({grace}) must be longer than preStop ({sleep} s) and {SHUTDOWN} "
        problem += f"({shutdown} s) together, with time for the proxy between them"
        place = manifests.at_pod("terminationGracePeriodSeconds")
        yield place, problem, f"write terminationGracePeriodSeconds: {sleep + shutdown + 65}"


RULES = [
    kubernetes_rejected,
    kubernetes_image,
    kubernetes_probe,
    kubernetes_port,
    kubernetes_config,
    kubernetes_socket,
    kubernetes_shutdown,
]
