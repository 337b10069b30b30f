"""New versions of an app whose image is site from source."""

from pathlib import Path

import pytest

from tests.engine.deploy.served import Site, make_site
from tests.testkit.process import run

pytestmark = pytest.mark.engine


@pytest.mark.native
def test_deploy_builds_an_image_and_keeps_one_previous(site: Site) -> None:
    label = f"label=com.docker.compose.project={site.project.environment['COMPOSE_PROJECT_NAME']}"
    ours = ("docker", "image", "ls", "--quiet", "--no-trunc", "--filter", label)
    dangling = (*ours, "--filter", "dangling=true")
    known = set(run(*dangling).stdout.split())
    first = site.images()

    with site.loaded() as load:
        for page in ("one", "two"):
            site.set(page)
            site.uds_stack("deploy")
            assert site.project.get().text == page
        site.uds_stack("deploy")  # the same once more is no other version
    second = site.images()
    running = site.containers("app") + site.containers("h2o")
    site.project.up()

    assert not load.bad
    assert set(second) == {"latest", "previous"}
    assert not set(first.values()) & set(second.values())
    assert set(second.values()) <= set(run(*ours).stdout.split())
    assert set(run(*dangling).stdout.split()) <= known
    assert site.containers("app") + site.containers("h2o") == running


@pytest.mark.native
def test_rollback_swaps_the_images(site: Site) -> None:
    page, now = site.project.get().text, site.images()
    if "previous" not in now:
        site.set("next")
        site.uds_stack("deploy")
        page, now = site.project.get().text, site.images()

    with site.loaded() as load:
        site.uds_stack("rollback")

    assert site.images() == {"latest": now["previous"], "previous": now["latest"]}
    assert site.project.get().text != page
    assert not load.bad
    assert site.tidy()


def test_deploy_replaces_a_mounted_publish_by_an_image(project_with_pages: Path, tmp_path: Path) -> None:
    site = make_site(project_with_pages, tmp_path / "myapp", "uds-stack-deploy-modes")
    site.spare_the_compiler()
    mounted = {**site.project.environment, "COMPOSE_FILE": "compose.yaml:compose.publish.yaml"}
    try:
        run("docker", "compose", "up", "--detach", "--wait", cwd=site.root, env=mounted)
        site.set("bad", "throw")
        site.uds_stack("deploy", code=1)
        assert (site.images(), site.project.get().text) == ({}, "Hello World!")

        site.set("an image")
        with site.loaded() as load:
            site.uds_stack("deploy")
        assert site.project.get().text == "an image"
        assert not load.bad
        assert "there is no previous version" in site.uds_stack("rollback", code=1).stderr
        assert site.tidy()
    finally:
        site.remove()
