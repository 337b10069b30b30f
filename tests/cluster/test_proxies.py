"""The other proxies on a real cluster: the page, over https too, and rolling updates."""

from collections.abc import Callable

import pytest

from tests.cluster.conftest import CONNECTIONS, new_version, page, roll_out_under_load
from tests.testkit.cluster import Site
from tests.testkit.load import Visitors
from tests.testkit.process import run

pytestmark = pytest.mark.kubernetes


@pytest.fixture(scope="module", params=["nginx-https-kubernetes", "caddy-https-kubernetes"])
def site(request: pytest.FixtureRequest, make_site: Callable[[str], Site]) -> Site:
    """A project with https on the cluster."""
    return make_site(request.param)


# Caddy closes idle connections just as it stops, and a request that is on its way to one is lost.
CLOSED = {"IncompleteReadError", "ConnectionResetError", "BrokenPipeError"}


def assert_nothing_lost(site: Site, load: Visitors) -> None:
    """Fail where a request was lost; with Caddy, where more was than one on each connection to each stopping pod."""
    if site.namespace.startswith("caddy"):
        assert set(load.bad) <= CLOSED
        assert load.failed <= 2 * CONNECTIONS
    else:
        assert not load.bad


def test_page_comes_over_https(site: Site) -> None:
    assert page(site) == "Hello World!"


def test_http_redirects_to_the_port_of_the_service(site: Site) -> None:
    # Who comes through the Service names no port; the tests come through a port of the node.
    redirect = (
        "-H",
        "Host: localhost",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code} %{redirect_url}",
        f"http://localhost:{site.ports[0]}/a?b=c",
    )

    assert run("curl", "-sS", *redirect).stdout in (
        "308 https://localhost/a?b=c",
        "308 https://localhost:443/a?b=c",
    )


def test_new_version_of_the_app_loses_no_request(site: Site) -> None:
    before = page(site)
    new_version(site, "another version", "2")

    assert_nothing_lost(site, roll_out_under_load(site, before, "another version"))
    assert page(site) == "another version"


def test_new_configuration_of_the_proxy_loses_no_request(site: Site) -> None:
    (error_page,) = site.project.glob("*/502.html")
    error_page.write_text(error_page.read_text() + "\n")

    assert_nothing_lost(site, roll_out_under_load(site, page(site)))
