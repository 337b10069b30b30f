"""New versions of an app whose image is built from source."""

from pathlib import Path

import pytest

from tests.engine.redeploy.served import Site, make_site
from tests.testkit.bake import edit
from tests.testkit.process import run

pytestmark = pytest.mark.engine


def images(site: Site) -> dict[str, str]:
    """The ids behind the names of the app's image."""
    lines = run("docker", "image", "ls", "--no-trunc", "--format", "{{.Tag}} {{.ID}}", site.image).stdout.splitlines()
    return {tag: identity for tag, _, identity in (line.partition(" ") for line in lines)}


@pytest.mark.native
def test_redeploy_builds_an_image_and_keeps_one_previous(built: Site) -> None:
    label = f"label=com.docker.compose.project={built.project.environment['COMPOSE_PROJECT_NAME']}"
    ours = ("docker", "image", "ls", "--quiet", "--no-trunc", "--filter", label)
    dangling = (*ours, "--filter", "dangling=true")
    known = set(run(*dangling).stdout.split())
    first = images(built)

    with built.loaded() as load:
        for page in ("one", "two"):
            built.set(page)
            built.uds_stack("deploy")
            assert built.project.get().text == page
    second = images(built)
    running = built.containers("app") + built.containers("h2o")
    built.project.up()

    assert not load.bad
    assert set(second) == {"latest", "previous"}
    assert not set(first.values()) & set(second.values())
    assert set(second.values()) <= set(run(*ours).stdout.split())
    assert set(run(*dangling).stdout.split()) <= known
    assert built.containers("app") + built.containers("h2o") == running


@pytest.mark.native
def test_rollback_swaps_the_images(built: Site) -> None:
    page, now = built.project.get().text, images(built)
    if "previous" not in now:
        built.set("next")
        built.uds_stack("deploy")
        page, now = built.project.get().text, images(built)

    with built.loaded() as load:
        built.uds_stack("rollback")

    assert images(built) == {"latest": now["previous"], "previous": now["latest"]}
    assert built.project.get().text != page
    assert not load.bad
    assert built.tidy()


@pytest.mark.parametrize(
    ("fault", "reason"), [("compile", "docker compose build failed"), ("throw", "the new version exited")]
)
def test_redeploy_rolls_back_a_bad_image(built: Site, fault: str, reason: str) -> None:
    before, named, page = built.containers(), images(built), built.project.get().text
    built.set("bad", fault)
    if fault == "compile":
        edit(built.program, "app.Run();", "app.Run()")
    try:
        with built.loaded() as load:
            done = built.uds_stack("deploy", code=1)
    finally:
        if fault == "compile":
            edit(built.program, "app.Run()", "app.Run();")

    assert reason in done.stderr
    assert {"compile": "error CS1002", "throw": "planned: it throws"}[fault] in done.stderr
    assert (built.containers(), images(built), built.project.get().text) == (before, named, page)
    assert not load.bad
    assert built.tidy()


def test_rollback_from_one_mode_to_the_other_is_refused(project_with_pages: Path, tmp_path: Path) -> None:
    site = make_site(project_with_pages, tmp_path / "myapp", "uds-stack-redeploy-modes")
    override = site.root / "compose.override.yaml"
    text = override.read_text()
    try:
        site.uds_stack("deploy")
        override.unlink()
        site.set("bad", "throw")
        site.uds_stack("deploy", code=1)
        assert (images(site), site.project.get().text) == ({}, "first")

        site.set("an image")
        site.uds_stack("deploy")
        assert site.project.get().text == "an image"
        assert "there is no previous version" in site.uds_stack("rollback", code=1).stderr

        override.write_text(text)
        site.set("published")
        site.uds_stack("deploy")
        assert site.project.get().text == "published"
        assert "there is no previous version" in site.uds_stack("rollback", code=1).stderr
        assert site.tidy()
    finally:
        site.remove()


@pytest.mark.parametrize("step", ["building", "draining"])
def test_recovery_completes_a_killed_run_without_a_failed_request(built: Site, step: str) -> None:
    built.set(f"killed when {step}")

    with built.loaded() as load:
        with built.redeploying(step) as process:
            process.kill()
        built.run_again()

    assert built.project.get().text == f"killed when {step}"
    assert set(images(built)) == {"latest", "previous"}
    assert not load.bad
    assert built.tidy()
