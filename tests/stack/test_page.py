"""The page after `docker compose up`, from ./publish and from source."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testkit.bake import copy_project
from tests.testkit.process import cannot_run, run
from tests.testkit.stack import HEADLESS, Project, project

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def from_source(default_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A clone of the project, with the files that git tracks alone, and running."""
    origin = copy_project(default_project, tmp_path_factory.mktemp("origin") / "myapp")
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "Generate the project"]):
        run("git", "-c", "user.name=Test", "-c", "user.email=test@example.org", *command, cwd=origin)
    clone = tmp_path_factory.mktemp("clone") / "myapp"
    run("git", "clone", "--quiet", origin, clone)
    running = project(clone, "uds-stack-tests-source")
    try:
        running.up()
        yield running
    finally:
        running.remove()


def test_page_is_served_through_h2o(stack: Project) -> None:
    page = stack.get()

    assert (page.status, page.text) == (200, "Hello World!")


def test_page_renders_in_a_browser(stack: Project, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        cannot_run("needs chromium or google-chrome")

    shown = run(str(browser), *HEADLESS, f"--user-data-dir={tmp_path}", "--dump-dom", stack.url, timeout=60).stdout

    assert "Hello World!" in shown


def test_app_runs_the_official_image_with_publish_mounted_read_only(stack: Project) -> None:
    container = json.loads(run("docker", "inspect", stack.compose("ps", "--quiet", "app").stdout.strip()).stdout)[0]

    assert container["Config"]["Image"] == "mcr.microsoft.com/dotnet/aspnet:10.0"
    assert container["Config"]["WorkingDir"] == "/app"
    assert [container["Path"], *container["Args"]] == ["dotnet", "myapp.dll"]
    mounts = {mount["Destination"]: mount for mount in container["Mounts"]}
    assert mounts["/app"]["Source"] == str(stack.root / "publish")
    assert mounts["/app"]["RW"] is False


def test_second_up_keeps_the_running_containers(stack: Project) -> None:
    before = stack.compose("ps", "--quiet").stdout

    stack.up()

    assert stack.compose("ps", "--quiet").stdout == before


def test_clone_contains_no_publish_override_or_env(from_source: Project) -> None:
    assert not {"publish", "compose.override.yaml", ".env"} & {path.name for path in from_source.root.iterdir()}


def test_clone_serves_the_page_from_an_image_built_from_source(from_source: Project) -> None:
    page = from_source.get()

    assert (page.status, page.text) == (200, "Hello World!")
    assert from_source.inside("app", "id", "-u").stdout.strip() == "1654"


def test_image_runs_the_app_as_its_user(from_source: Project) -> None:
    image = run("docker", "compose", "images", "--quiet", "app", cwd=from_source.root, env=from_source.environment)

    config = json.loads(run("docker", "image", "inspect", image.stdout.strip()).stdout)[0]["Config"]

    assert config["User"] == "1654:1654"
    assert config["Entrypoint"] == ["dotnet", "myapp.dll"]
