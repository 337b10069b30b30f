"""The pod's containers start, serve and stop in order, as those of compose.yaml do."""

from __future__ import annotations

import posixpath

from uds_stack.check.project import Project
from uds_stack.check.rule import APP, ERROR, WARNING, Violations, project_rule
from uds_stack.check.rules.network import ports
from uds_stack.check.rules.shutdown import DEFAULT_SHUTDOWN, SHUTDOWN, shutdown_timeout
from uds_stack.check.values import Value, items, mapping, number, text
from uds_stack.options.kubernetes.manifests import Kubernetes, manifests_of, model_of

DEFAULT_GRACE = 30  # seconds, Kubernetes' own
FORGET = 5  # seconds in which every node learns that a pod ends


@project_rule("kubernetes-containers", ERROR, "A pod without the app, or without the proxy, serves nobody")
def find_containers(project: Project) -> Violations:
    """They have the names of the services."""
    manifests = manifests_of(project)
    for name in (APP, project.proxy.service) if manifests.resources else ():
        if not manifests.container(name):
            yield manifests.at_pod("containers"), f"the pod has no container {name}", "restore it"


@project_rule("kubernetes-sidecar", ERROR, "An app beside the proxy stops at the same time, under requests")
def order_containers(project: Project) -> Violations:
    """A sidecar starts before the other containers, and stops after them."""
    manifests = manifests_of(project)
    if manifests.container(APP) and not manifests.is_sidecar(APP):
        problem = f"{APP} is not a sidecar: it does not outlive {project.proxy.service}"
        remedy = "write it into initContainers, with restartPolicy: Always"
        yield manifests.at_container(APP, "restartPolicy"), problem, remedy


@project_rule("kubernetes-probe", ERROR, "Without its health check the app is not waited for, or is killed at work")
def compare_probes(project: Project) -> Violations:
    """The command of compose.yaml, at the start and afterwards."""
    manifests, test = manifests_of(project), model_of(project).texts(APP, "healthcheck.test")
    wanted = test[1:] if test[:1] == ["CMD"] else []
    for probe in ("startupProbe", "livenessProbe") if wanted and manifests.container(APP) else ():
        found = mapping(manifests.container(APP), probe)
        command = [text(word) for word in items(mapping(found, "exec").get("command"))]
        if command != wanted:
            problem = f"{APP}: {probe} runs {' '.join(command) or 'no command'}, and not compose.yaml's health check"
            place = manifests.at_container(APP, probe, "exec", "command")
            yield place, problem, f"write exec.command: [{', '.join(wanted)}]"


@project_rule("kubernetes-readiness", ERROR, "A pod that is ready before its app is gets requests too early")
def ask_proxy(project: Project) -> Violations:
    """Through the proxy, at a port on which it listens."""
    manifests, service, listens = manifests_of(project), project.proxy.service, ports(project)
    get = mapping(manifests.container(service), "readinessProbe", "httpGet")
    port = manifests.port(service, get.get("port"))
    if listens and manifests.container(service) and number(port) not in listens:
        asked = f"asks port {text(get.get('port'))}" if get else "does not ask the proxy"
        problem = f"{service}: readinessProbe {asked}, and {project.proxy.name} listens on {_joined(listens)}"
        place = manifests.at_container(service, "readinessProbe", "httpGet", "port")
        yield place, problem, f"write httpGet.port: {min(listens)}"


@project_rule("kubernetes-port", ERROR, "A Service forwards to a port on which nothing listens")
def match_ports(project: Project) -> Violations:
    """TCP, and UDP for HTTP/3."""
    manifests, service = manifests_of(project), project.proxy.service
    for i, entry in enumerate(map(mapping, items(mapping(manifests.find("Service"), "spec").get("ports")))):
        protocol = (text(entry.get("protocol")) or "TCP").lower()
        target = entry.get("targetPort", entry.get("port"))
        listens = ports(project, protocol)
        if ports(project) and number(manifests.port(service, target)) not in listens:
            problem = f"the Service forwards to {text(target)}, and {project.proxy.name} listens on {_joined(listens)}"
            place = manifests.at("Service", "spec", "ports", i, "targetPort")
            yield place, problem, "write a port of the proxy"


def _joined(listens: set[int]) -> str:
    return " and ".join(map(str, sorted(listens))) or "no such port"


@project_rule("kubernetes-config", ERROR, "The proxy does not start without its files, or does not serve them")
def generate_config(project: Project) -> Violations:
    """The files that compose.yaml mounts, in a ConfigMap of kustomization.yaml."""
    manifests, service = manifests_of(project), project.proxy.service
    folder = posixpath.dirname(project.config_file.name)
    held = manifests.mount_of(service, project.config_path)
    if not manifests.container(service):
        return
    config_map = text(mapping(manifests.volume(held.volume), "configMap").get("name")) if held else ""
    if not config_map or not held:
        place = manifests.at_container(service, "volumeMounts")
        yield place, f"{service}: no ConfigMap is mounted at {posixpath.dirname(project.config_path)}", "mount it"
        return
    files, place = manifests.generated(config_map)
    needed = {project.config_path, *(path for path, _ in project.config.served_files)}
    for path in sorted(one for one in needed if one.startswith(held.path + "/")) if files else ():
        key = posixpath.relpath(path, held.path)
        if files.get(key) != f"{folder}/{key}":
            yield place, f"the ConfigMap {config_map} lacks {folder}/{key}, which {service} reads", "add it to files"


@project_rule("kubernetes-environment", WARNING, "A variable that Compose sets may be needed here too")
def compare_environments(project: Project) -> Violations:
    """Those of the app, by name."""
    manifests = manifests_of(project)
    container = manifests.container(APP)
    given = {text(mapping(one).get("name")) for one in items(container.get("env"))}
    for name in mapping(model_of(project).get(APP, "environment")) if not container.get("envFrom") else ():
        if container and name not in given:
            yield manifests.at_container(APP, "env"), f"{APP}: {name} is set in compose.yaml alone", "add it to env"


@project_rule("kubernetes-prestop", ERROR, "Nodes send new connections to a pod for a while after its end has begun")
def wait_before_stop(project: Project) -> Violations:
    """The proxy goes on listening meanwhile."""
    manifests, service = manifests_of(project), project.proxy.service
    container = manifests.container(service)
    if container and not _sleep(manifests, service):
        place = manifests.at_container(service, "lifecycle")
        yield place, f"{service}: it stops at once", f"write preStop.sleep.seconds: {FORGET}"


def _sleep(manifests: Kubernetes, service: str) -> Value:
    """Return the seconds of preStop; a command takes a time that is not known, and counts as the usual one."""
    hook = mapping(manifests.container(service), "lifecycle", "preStop")
    return number(mapping(hook, "sleep").get("seconds")) or (FORGET if hook.get("exec") else 0)


@project_rule("kubernetes-grace-period", ERROR, "Kubernetes kills the app during its shutdown, and requests are lost")
def order_grace_period(project: Project) -> Violations:
    """One period for both containers, the proxy's first."""
    manifests, service = manifests_of(project), project.proxy.service
    written = manifests.pod.get("terminationGracePeriodSeconds", DEFAULT_GRACE)
    grace = number(written)
    shutdown = number(shutdown_timeout(project, model_of(project))[0]) or DEFAULT_SHUTDOWN
    sleep = _sleep(manifests, service)
    if manifests.pod and grace is not None and grace <= sleep + shutdown:
        problem = f"terminationGracePeriodSeconds ({grace}) must be longer than preStop ({sleep} s) and {SHUTDOWN} "
        problem += f"({shutdown} s) together, with time for the proxy between them"
        place = manifests.at_pod("terminationGracePeriodSeconds")
        yield place, problem, f"write terminationGracePeriodSeconds: {sleep + shutdown + 65}"
