"""One cluster for all tests of this folder, and a project on it for each proxy."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.testkit import combinations
from tests.testkit.bake import edit
from tests.testkit.cluster import POD_SECURITY, Cluster, Site, overlay
from tests.testkit.faults import add_endpoints
from tests.testkit.load import Visitors
from tests.testkit.process import eventually, run

CONNECTIONS = 10  # of the load
OFFICIAL = {"nginx": "nginx:1.30"}  # the images of the proxies that need none of their own
BUILT: set[str] = set()  # the images of this run


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster that testbed/cluster provides."""
    return Cluster()


@pytest.fixture(scope="session")
def make_site(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Site]]:
    """A function that builds a combination's images, and rolls it out in a namespace of its own."""
    made: list[Site] = []

    def make(combination: str) -> Site:
        folder = tmp_path_factory.mktemp(combination)
        project = combinations.bake(combination, folder / "project")
        combinations.finish(project)
        add_endpoints(project)
        edit(project / "kustomization.yaml", "registry.test", os.environ.get("KUBE_REGISTRY", "docker.io/library"))
        site = overlay(cluster, project, folder / "overlay", combination)
        made.append(site)
        cluster.kubectl("delete", "namespace", site.namespace, "--ignore-not-found", "--wait")
        cluster.kubectl("create", "namespace", site.namespace)
        if cluster.version >= POD_SECURITY:
            cluster.kubectl("label", "namespace", site.namespace, "pod-security.kubernetes.io/enforce=restricted")
        if "https" in combination:
            files = [f"--cert={project / 'tls/live/cert.pem'}", f"--key={project / 'tls/live/key.pem'}"]
            site.kubectl("create", "secret", "tls", f"{site.name}-tls", *files)
        build(site, "app", "1")
        proxy = combination.partition("-")[0]
        if (project / proxy / "Dockerfile").exists():
            build(site, proxy, "1")
        else:
            cluster.load(OFFICIAL[proxy])
        site.roll_out()
        return site

    yield make
    for site in made:
        cluster.kubectl("delete", "namespace", site.namespace, "--ignore-not-found", "--wait=false", check=False)
    run("docker", "image", "rm", "--force", *BUILT, check=False)


def build(site: Site, service: str, tag: str, folder: Path | None = None) -> None:
    """Build an image of a site as README.md says, or from another folder, and give it to the cluster."""
    image = f"{site.name}-{service}:{tag}"
    own = site.project / ("" if service == "app" else service)
    run("docker", "build", "--quiet", "--tag", image, folder or own)
    BUILT.add(image)
    site.cluster.load(image)


def new_version(site: Site, text: str, tag: str) -> None:
    """Build a version of the app whose page is another text, and write its tag into the kustomization."""
    program = site.project / "src" / site.project.name / "Program.cs"
    page = f'app.MapGet("/", () => "{text}");'
    lines = [page if line.startswith('app.MapGet("/"') else line for line in program.read_text().splitlines()]
    program.write_text("\n".join(lines) + "\n")
    build(site, "app", tag)
    site.set_image("app", tag)


def kill_app(site: Site) -> None:
    """Let the app of one pod eat memory until the kernel kills it, and wait until it is restarted and all is ready."""

    def restarts() -> int:
        return sum(int(one["restartCount"]) for one in container_statuses(site) if one["name"] == "app")

    before = restarts()
    run("curl", "-sS", "--max-time", "20", f"http://127.0.0.1:{site.ports[0]}/eat", check=False)

    eventually(lambda: restarts() > before, "a restart of the app", within=60)
    site.kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s")
    for pod in site.pods():
        asked = site.inside("h2o", "curl", "-fsS", "http://127.0.0.1:8080/healthz", pod=pod["metadata"]["name"])
        assert asked == "Healthy"


def restarted(site: Site) -> str:
    """Name the containers of the pods that were started again, and how each ended before."""
    found = [one for one in container_statuses(site) if one["restartCount"]]
    return "; ".join(f"{one['name']}, {one['restartCount']} times, {one['lastState']}" for one in found) or "none"


def container_statuses(site: Site) -> list[dict[str, Any]]:
    """Return the status of each container of the pods, sidecars included."""
    kinds = ("initContainerStatuses", "containerStatuses")
    return [one for pod in site.pods() for kind in kinds for one in pod["status"].get(kind, [])]


def page(site: Site) -> str:
    """Fetch the page through the Service, over https where that is on."""
    secure = len(site.ports) > 1
    url = f"https://localhost:{site.ports[1]}/" if secure else f"http://127.0.0.1:{site.ports[0]}/"
    trust = ("--cacert", site.project / "tls/live/cert.pem") if secure else ()
    return run("curl", "-sS", "--max-time", "5", *trust, url).stdout


def visitors(site: Site, *pages: str) -> Visitors:
    """Return steady load through the Service, over https where that is on; these pages may be answered."""
    secure = len(site.ports) > 1
    allowed = [page.encode() for page in pages]
    return Visitors(site.ports[int(secure)], connections=CONNECTIONS - 2, slow=2, pages=allowed, pause=0.01, tls=secure)


def roll_out_under_load(site: Site, *pages: str) -> Visitors:
    """Roll out what the project says now, under load that may be answered with these pages; return the load."""
    with visitors(site, *pages) as load:
        eventually(lambda: load.started, "an answer on each connection")
        begin = time.monotonic()
        site.apply()
        site.wait()
        ready = time.monotonic() - begin
        site.wait_for_old_pods()
    print(
        f"{site.namespace}: {load.requests:,} requests, {load.failed} failed {dict(load.bad) or ''}; new pods ready "
        f"after {ready:.0f} s, old ones gone after {time.monotonic() - begin:.0f} s; restarted: {restarted(site)}"
    )
    assert load.good > 100
    return load
