"""Each combination with Kubernetes renders with kubectl, and fits the schemas of the current versions."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from tests.testkit import combinations
from tests.testkit.cluster import Cluster, overlay
from tests.testkit.process import cannot_run, run

pytestmark = pytest.mark.test_all

OLDEST = (1, 33)
ANSWERS = ["project_slug=my_shop", "socket_path=/run/shop/sockets/k.sock"]


@pytest.fixture(scope="module", params=combinations.ON_KUBERNETES)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of each combination with these answers. Read it, don't change it."""
    return combinations.bake(request.param, tmp_path_factory.mktemp(request.param), *ANSWERS)


@pytest.fixture(scope="module")
def rendered(project: Path) -> list[dict[str, Any]]:
    """What `kubectl kustomize` makes of the project."""
    if not shutil.which("kubectl"):
        cannot_run("kubectl is not installed")
    return list(yaml.safe_load_all(run("kubectl", "kustomize", project).stdout))


@pytest.fixture(scope="module")
def pod(rendered: list[dict[str, Any]]) -> dict[str, Any]:
    """The pod of the Deployment."""
    found: dict[str, Any] = of_kind(rendered, "Deployment")["spec"]["template"]["spec"]
    return found


def of_kind(rendered: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The one manifest of a kind."""
    (found,) = (one for one in rendered if one["kind"] == kind)
    return found


def test_manifests_fit_the_schemas_of_each_current_version(rendered: list[dict[str, Any]]) -> None:
    try:
        from kubernetes_validate.utils import all_versions, validate
    except ImportError:
        cannot_run("kubernetes-validate is not installed: no package index answered, nor does PIP_FIND_LINKS have it")
    versions = [one for one in all_versions() if tuple(map(int, one.split(".")[:2])) >= OLDEST]
    assert versions
    for version in versions:
        for one in rendered:
            validate(one, version, strict=True)


def test_optional_manifest_is_valid_yaml(project: Path) -> None:
    routes = list(project.glob("deploy/kubernetes/httproute.yaml"))

    assert len(routes) == (0 if (project / "compose.yaml").read_text().count("8443") else 1)
    for route in routes:
        assert yaml.safe_load(route.read_text())["kind"] == "HTTPRoute"


def test_names_are_those_that_kubernetes_allows(rendered: list[dict[str, Any]]) -> None:
    assert {one["metadata"]["name"].removeprefix("my-shop")[:1] for one in rendered} <= {"", "-"}
    assert of_kind(rendered, "Deployment")["metadata"]["name"] == "my-shop"


def test_configmap_holds_the_files_that_compose_mounts(project: Path, rendered: list[dict[str, Any]]) -> None:
    for name, text in of_kind(rendered, "ConfigMap")["data"].items():
        (file,) = project.glob(f"*/{name}")
        assert text == file.read_text()


def test_changed_configuration_gets_a_new_name(project: Path, tmp_path: Path, rendered: list[dict[str, Any]]) -> None:
    changed = shutil.copytree(project, tmp_path / "my_shop")
    (page,) = changed.glob("*/502.html")
    page.write_text(page.read_text() + "\n")

    again = list(yaml.safe_load_all(run("kubectl", "kustomize", changed).stdout))

    assert of_kind(again, "ConfigMap")["metadata"]["name"] != of_kind(rendered, "ConfigMap")["metadata"]["name"]


def test_pod_meets_the_restricted_profile(pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["initContainers"] + pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert context["runAsUser"] in (1654, 1655)
    allowed = {"emptyDir", "configMap", "secret"}
    assert {key for volume in pod["volumes"] for key in volume if key != "name"} <= allowed
    assert pod["automountServiceAccountToken"] is False


def test_policy_lets_visitors_in_and_nothing_out(rendered: list[dict[str, Any]], pod: dict[str, Any]) -> None:
    policy = of_kind(rendered, "NetworkPolicy")["spec"]

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert not policy.get("egress")
    allowed = {(port["port"], port.get("protocol", "TCP")) for port in policy["ingress"][0]["ports"]}
    assert allowed == {(port["name"], port.get("protocol", "TCP")) for port in pod["containers"][0]["ports"]}


def test_each_mounted_volume_exists_and_is_mounted(pod: dict[str, Any]) -> None:
    mounted = {mount["name"] for one in pod["initContainers"] + pod["containers"] for mount in one["volumeMounts"]}

    assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_patch_for_old_clusters_runs_no_program_in_the_image_of_the_app(
    project: Path, rendered: list[dict[str, Any]], tmp_path: Path
) -> None:
    old = SimpleNamespace(version=(1, 20), take_ports=lambda count: [30080 + i for i in range(count)])
    site = overlay(cast(Cluster, old), project, tmp_path / "overlay", "old")

    patched = list(yaml.safe_load_all(run("kubectl", "kustomize", site.overlay).stdout))

    pod = of_kind(patched, "Deployment")["spec"]["template"]["spec"]
    (directory,), (proxy, app) = pod["initContainers"], pod["containers"]
    (before,) = of_kind(rendered, "Deployment")["spec"]["template"]["spec"]["initContainers"]
    assert directory["image"] == proxy["image"]
    assert directory["securityContext"] == app["securityContext"] == before["securityContext"]
    assert app["image"] == before["image"]
    slug = project.name
    command = [f"./{slug}"] if (project / f"src/{slug}/AppJsonContext.cs").exists() else ["dotnet", f"{slug}.dll"]
    assert app["lifecycle"]["preStop"]["exec"]["command"] == [*command, "sleep", "9"]


def test_default_project_has_no_manifest(default_project: Path) -> None:
    assert not (default_project / "kustomization.yaml").exists()
    assert not (default_project / "deploy").exists()
