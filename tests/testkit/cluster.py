"""A Kubernetes cluster, and a generated project on it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.testkit.bake import REPO
from tests.testkit.process import run

SIDECARS = (1, 33)  # the first version that has them for everybody
POD_SECURITY = (1, 25)  # the first that enforces a profile by a label
WAIT = "300s"
PROXY_STOPS = 9  # seconds after which it has ended, in the tests


class Cluster:
    """The cluster that testbed/cluster provides."""

    def __init__(self) -> None:
        """Start it, unless it runs."""
        printed = run(REPO / "testbed/cluster", "up", timeout=1800).stdout
        settings = dict(line.split("=", 1) for line in printed.splitlines())
        self._kubeconfig = settings["KUBECONFIG"]
        self._free_ports = [int(port) for port in settings["NODE_PORTS"].split()]

    def take_ports(self, count: int) -> list[int]:
        """Return ports of the node on which no Service is published, those for the next one."""
        taken, self._free_ports = self._free_ports[:count], self._free_ports[count:]
        assert len(taken) == count, "add ports to NODE_PORTS in testbed/cluster"
        return taken

    def load(self, *images: str) -> None:
        """Give it images of the Docker engine."""
        run(REPO / "testbed/cluster", "load", *images, timeout=300)

    def kubectl(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run kubectl and return its result."""
        environment = {"KUBECONFIG": self._kubeconfig, "KUBECACHEDIR": f"{self._kubeconfig}.cache"}
        return run("kubectl", *words, env=environment, check=check)

    def get(self, *words: str) -> dict[str, Any]:
        """Return what `kubectl get` finds."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *words, "--output=json").stdout)
        return found

    @cached_property
    def version(self) -> tuple[int, int]:
        """The version of its API server."""
        server = json.loads(self.kubectl("version", "--output=json").stdout)["serverVersion"]
        found = re.match(r"v(\d+)\.(\d+)", server["gitVersion"])
        assert found, server
        return int(found[1]), int(found[2])


@dataclass(frozen=True)
class Site:
    """A generated project on a cluster, in a namespace of its own, applied through an overlay."""

    cluster: Cluster
    project: Path
    overlay: Path
    namespace: str
    ports: list[int]  # of the node, those of the Service in its order

    @property
    def name(self) -> str:
        """The name of its Deployment and of its Service."""
        return self.project.name

    def kubectl(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run kubectl in its namespace."""
        return self.cluster.kubectl("--namespace", self.namespace, *words, check=check)

    def apply(self) -> None:
        """Apply the overlay."""
        # An old API server does not know every field.
        validate = [] if self.cluster.version >= SIDECARS else ["--validate=false"]
        self.cluster.kubectl("apply", *validate, "--kustomize", str(self.overlay))

    def wait(self, timeout: str = WAIT, check: bool = True) -> bool:
        """Wait for the rollout; return whether it has ended, or with `check` fail with the pods' events."""
        done = self.kubectl("rollout", "status", f"deployment/{self.name}", f"--timeout={timeout}", check=False)
        assert done.returncode == 0 or not check, done.stderr + self.kubectl("describe", "pods").stdout
        return done.returncode == 0

    def roll_out(self) -> None:
        """Apply the overlay, and wait until every pod has what it says, and no other is left."""
        self.apply()
        self.wait()
        self.wait_for_old_pods()

    def wait_for_old_pods(self) -> None:
        """Wait until no pod is about to end."""
        ending = [pod["metadata"]["name"] for pod in self.pods() if "deletionTimestamp" in pod["metadata"]]
        if ending:
            self.kubectl("wait", "--for=delete", f"--timeout={WAIT}", *(f"pod/{name}" for name in ending))

    def pods(self) -> list[dict[str, Any]]:
        """Return its pods, those that are about to end included."""
        found: list[dict[str, Any]] = self.cluster.get("pods", "--namespace", self.namespace)["items"]
        return found

    def inside(self, container: str, *command: str, pod: str = "") -> str:
        """Run a command in a container of a pod, or of any pod."""
        return self.kubectl("exec", pod or f"deployment/{self.name}", "--container", container, "--", *command).stdout

    def can(self, container: str, *command: str) -> bool:
        """Return whether a command succeeds in a container of any pod."""
        words = ("exec", f"deployment/{self.name}", "--container", container, "--", *command)
        return self.kubectl(*words, check=False).returncode == 0

    def set_image(self, service: str, tag: str) -> None:
        """Write the tag of an image into the project's kustomization."""
        file = self.project / "kustomization.yaml"
        pattern = rf"(name: {self.name}-{service}\n    newName: .*\n    newTag: ).*"
        text, count = re.subn(pattern, rf'\g<1>"{tag}"', file.read_text())
        assert count == 1
        file.write_text(text)


def overlay(cluster: Cluster, project: Path, folder: Path, namespace: str) -> Site:
    """Write an overlay that publishes the ports of a project's Service on the node; return the site."""
    ports = cluster.take_ports((project / "deploy/kubernetes/service.yaml").read_text().count("targetPort"))
    service: list[dict[str, Any]] = [{"op": "add", "path": "/spec/type", "value": "NodePort"}]
    service += [{"op": "add", "path": f"/spec/ports/{i}/nodePort", "value": port} for i, port in enumerate(ports)]
    patches = [{"target": {"kind": "Service"}, "patch": json.dumps(service)}]
    if cluster.version < SIDECARS:
        patches += without_sidecars(yaml.safe_load((project / "deploy/kubernetes/deployment.yaml").read_text()))
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": namespace,
        "resources": [os.path.relpath(project, folder)],
        "patches": patches,
    }
    folder.mkdir()
    (folder / "kustomization.yaml").write_text(json.dumps(kustomization, indent=2))
    return Site(cluster, project, folder, namespace, ports)


def without_sidecars(deployment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return patches for a cluster that knows neither sidecars nor the sleep of preStop: the app beside the proxy.

    What a sidecar would do by itself is written out: the socket's directory is made before the proxy's container, and
    the app stops after the proxy. The app's image may hold no program, so the proxy's makes the directory, and the app
    itself sleeps (`add_endpoints`).
    """
    app = deployment["spec"]["template"]["spec"]["initContainers"][0]
    program = f"{app['image'].removesuffix('-app')}.dll"
    sleep = [program if word == "UnixSocket.dll" else word for word in app["startupProbe"]["exec"]["command"][:-1]]
    # Before 1.21 a container without a readiness probe may wait for its readiness a minute after its startup probe
    # (kubernetes#95140).
    readiness = {"exec": app["startupProbe"]["exec"], "periodSeconds": 5, "timeoutSeconds": 5}
    socket = deployment["spec"]["template"]["spec"]["containers"][0]["volumeMounts"][-1]["mountPath"]
    directory = {key: app[key] for key in ("securityContext", "volumeMounts")}
    directory |= {"name": "directory", "command": ["mkdir", "-p", "-m", "0710", socket]}
    pod = "/spec/template/spec"
    beside = [
        {"op": "copy", "from": f"{pod}/initContainers/0", "path": f"{pod}/containers/1"},
        {"op": "remove", "path": f"{pod}/containers/1/restartPolicy"},
        {"op": "add", "path": f"{pod}/containers/1/readinessProbe", "value": readiness},
        {"op": "add", "path": f"{pod}/containers/1/lifecycle", "value": _pre_stop(*sleep, "sleep", PROXY_STOPS)},
        {"op": "replace", "path": f"{pod}/initContainers/0", "value": directory},
        {"op": "copy", "from": f"{pod}/containers/0/image", "path": f"{pod}/initContainers/0/image"},
        {"op": "replace", "path": f"{pod}/containers/0/lifecycle", "value": _pre_stop("sleep", 5)},
    ]
    budget = [{"op": "replace", "path": "/apiVersion", "value": "policy/v1beta1"}]
    return [
        {"target": {"kind": "Deployment"}, "patch": json.dumps(beside)},
        {"target": {"kind": "PodDisruptionBudget"}, "patch": json.dumps(budget)},
    ]


def _pre_stop(*command: str | int) -> dict[str, Any]:
    return {"preStop": {"exec": {"command": [str(word) for word in command]}}}
