"""The default project on a real cluster: what it may do, rolling updates without a lost request, and faults."""

import json
from collections.abc import Callable

import pytest

from tests.cluster.conftest import build, kill_app, new_version, page, roll_out_under_load, visitors
from tests.testkit.bake import edit
from tests.testkit.cluster import SIDECARS, Site
from tests.testkit.process import eventually, run

pytestmark = pytest.mark.kubernetes


@pytest.fixture(scope="module")
def site(make_site: Callable[[str], Site]) -> Site:
    """The default project on the cluster. Tests of this module change its version, and leave it ready."""
    return make_site("h2o-kubernetes")


def test_page_comes_through_the_service(site: Site) -> None:
    assert page(site) == "Hello World!"
    assert len(site.pods()) == 2


def test_containers_have_least_privilege(site: Site) -> None:
    for container, uid in (("app", "1654"), ("h2o", "1655")):
        status = dict(line.split(":", 1) for line in site.inside(container, "cat", "/proc/1/status").splitlines())
        assert status["Uid"].split() == [uid] * 4
        assert {status[name].strip() for name in ("CapPrm", "CapEff", "CapBnd")} == {"0" * 16}
        assert status["NoNewPrivs"].strip() == "1"
        assert status["Seccomp"].strip() == "2"
        assert not site.can(container, "touch", "/x")
        mounts = site.inside(container, "cat", "/proc/mounts")
        assert "/var/run/secrets" not in mounts


def test_socket_is_in_a_directory_of_its_own_that_the_proxy_cannot_change(site: Site) -> None:
    listing = site.inside("app", "ls", "-ldn", "/tmp/myapp").split()
    assert (listing[0], *listing[2:4]) == ("drwx--x---", "1654", "1654")
    assert " tmpfs " in site.inside("app", "df", "-T", "/tmp/myapp")
    assert not site.can("h2o", "rm", "/tmp/myapp/kestrel.sock")


def test_app_listens_on_no_tcp_port(site: Site) -> None:
    # Both containers share the pod's network: the only listener is the proxy's, 8080.
    rows = [line.split() for line in site.inside("h2o", "cat", "/proc/net/tcp", "/proc/net/tcp6").splitlines()]
    assert {row[1].rpartition(":")[2] for row in rows if row[3:4] == ["0A"]} == {"1F90"}


@pytest.mark.parametrize("tag", ["2", "3", "4"])
def test_new_version_of_the_app_loses_no_request(site: Site, tag: str) -> None:
    before = page(site)
    new_version(site, f"version {tag}", tag)
    assert not roll_out_under_load(site, before, f"version {tag}").bad
    assert page(site) == f"version {tag}"


def test_new_configuration_of_the_proxy_loses_no_request(site: Site) -> None:
    edit(site.project / "h2o/h2o.conf", "send-server-name: OFF", 'server-name: "changed"')
    assert not roll_out_under_load(site, page(site)).bad
    headers = run("curl", "-sS", "-o", "/dev/null", "-D", "-", f"http://127.0.0.1:{site.ports[0]}/").stdout
    assert "server: changed" in headers.lower()


def test_version_that_never_becomes_healthy_does_not_take_over(site: Site) -> None:
    before = page(site)
    image = f"{site.name}-app"
    tags = site.kubectl("get", "deployment", site.name, "-o", "jsonpath={..image}").stdout.split()
    good = next(tag for tag in tags if "-app:" in tag).rpartition(":")[2]
    folder = site.overlay / "bad"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {image}:{good}\nENV Faults__HealthStatus=500\n")
    build(site, "app", "bad", folder)
    site.set_image("app", "bad")
    with visitors(site, before) as load:
        eventually(lambda: load.started, "an answer on each connection")
        site.apply()
        assert not site.wait("20s", check=False)
        assert page(site) == before

        site.kubectl("rollout", "undo", f"deployment/{site.name}")
        site.wait()
        site.wait_for_old_pods()
    assert not load.bad
    assert page(site) == before
    site.set_image("app", good)


def test_killed_app_comes_back(site: Site) -> None:
    kill_app(site)


def test_eviction_leaves_one_pod(site: Site) -> None:
    version = "policy/v1" if site.cluster.version >= SIDECARS else "policy/v1beta1"

    def evict(name: str) -> str:
        wanted = {"apiVersion": version, "kind": "Eviction", "metadata": {"name": name, "namespace": site.namespace}}
        file = site.overlay / "eviction.json"
        file.write_text(json.dumps(wanted))
        path = f"/api/v1/namespaces/{site.namespace}/pods/{name}/eviction"
        return site.kubectl("create", "--raw", path, "-f", str(file), check=False).stderr

    first, second = (pod["metadata"]["name"] for pod in site.pods())
    with visitors(site, page(site)) as load:
        eventually(lambda: load.started, "an answer on each connection")
        assert evict(first) == ""
        assert "disruption budget" in evict(second)
        site.wait()
        site.wait_for_old_pods()
    assert not load.bad
    assert len(site.pods()) == 2
