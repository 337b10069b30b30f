"""kustomization.yaml and the manifests that it lists: what kubectl says of them, and where the images are."""

from __future__ import annotations

import re

from uds_stack.check.project import Project
from uds_stack.check.rule import ERROR, INFO, WARNING, Violations, project_rule
from uds_stack.check.values import mapping, text
from uds_stack.options.kubernetes import pod, socket  # noqa: F401 - registers their rules
from uds_stack.options.kubernetes.manifests import Kubernetes, manifests_of

OPTION = Kubernetes
OLDEST = (1, 33)  # the first with sidecars for everybody
PLACEHOLDER = r"(.*\.)?example(\.(com|net|org))?(:\d+)?"  # hosts that nobody can have


@project_rule("kubernetes-rejected", ERROR, "What kubectl cannot render is applied by nobody", last_resort=True)
def report_rejection(project: Project) -> Violations:
    """In kubectl's own words."""
    manifests = manifests_of(project)
    answer = manifests.rendering
    if answer and (answer.failure or answer.result.code != 0):
        why = (answer.failure or answer.complaint).removeprefix("error: ")
        yield (manifests.file, 1), f"`kubectl kustomize` rejects the manifests: {why}", "correct this"


@project_rule("kubernetes-not-rendered", INFO, "Without kubectl, patches and other folders are not read")
def report_missing_kubectl(project: Project) -> Violations:
    """Name what was not checked."""
    manifests = manifests_of(project)
    if not manifests.kubectl:
        problem = "kubectl is not installed: the manifests were read without patches"
        yield (manifests.file, 1), problem, "run this where kubectl is installed"


@project_rule("kubernetes-version", WARNING, "Before 1.33 a sidecar may block its pod, as an ordinary init container")
def compare_version(project: Project) -> Violations:
    """Only the cluster of kubectl's current context is known."""
    manifests = manifests_of(project)
    server = mapping(manifests.version.json if manifests.version else None, "serverVersion")
    found = re.match(r"v(\d{1,4})\.(\d{1,4})", text(server.get("gitVersion")))
    if found and (int(found[1]), int(found[2])) < OLDEST:
        problem = f"the cluster of kubectl's context has Kubernetes {found[1]}.{found[2]}"
        yield (manifests.file, 1), problem, f"use {OLDEST[0]}.{OLDEST[1]} or newer"


@project_rule("kubernetes-image", ERROR, "The cluster finds no image under the name of the template's example")
def find_placeholders(project: Project) -> Violations:
    """As the kustomization names them."""
    for image in manifests_of(project).images:
        if re.fullmatch(PLACEHOLDER, image.name.partition("/")[0]):
            yield image.place, f"{image.name} is a placeholder", "write your registry, and your own name there"
