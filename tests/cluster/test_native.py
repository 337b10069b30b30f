"""The app that is compiled ahead of time on a real cluster: the page, a rolling update, and an app that is killed."""

from collections.abc import Callable

import pytest

from tests.cluster.conftest import build, kill_app, page, roll_out_under_load
from tests.testkit.cluster import Site

pytestmark = pytest.mark.kubernetes


@pytest.fixture(scope="module")
def site(make_site: Callable[[str], Site]) -> Site:
    """The default project on the cluster, its app compiled ahead of time."""
    return make_site("h2o-native-kubernetes")


def test_page_comes_through_the_service(site: Site) -> None:
    assert page(site) == "Hello World!"
    assert len(site.pods()) == 2


def test_new_version_of_the_app_loses_no_request(site: Site) -> None:
    folder = site.overlay / "next"
    folder.mkdir()
    # Another page by a setting, because to compile it takes a minute.
    (folder / "Dockerfile").write_text(f'FROM {site.name}-app:1\nENV Page="version 2"\n')
    build(site, "app", "2", folder)
    site.set_image("app", "2")

    assert not roll_out_under_load(site, "Hello World!", "version 2").bad
    assert page(site) == "version 2"


def test_killed_app_comes_back(site: Site) -> None:
    kill_app(site)
