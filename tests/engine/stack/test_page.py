"""The page after `docker compose up`, from the first image and from source."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.testkit.bake import copy_project, edit
from tests.testkit.combinations import AOT, ENDINGS, JIT
from tests.testkit.once import one_of_each
from tests.testkit.process import cannot_run, eventually, run
from tests.testkit.stack import HEADLESS, Project, project, running

pytestmark = pytest.mark.engine

COMMANDS = {JIT: ["dotnet", "myapp.dll"], AOT: ["./myapp"]}


@pytest.fixture(scope="module")
def clones(
    project_of: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Project]]:
    """A function that gives a clone of the project with an app compiled so, running from an image built from source."""

    def make(compiled: str) -> AbstractContextManager[Project]:
        origin = copy_project(project_of(compiled), tmp_path_factory.mktemp("origin") / "myapp")
        git = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.org")
        for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=Generate the project"]):
            run(*git, *words, cwd=origin)
        clone = tmp_path_factory.mktemp("clone") / "myapp"
        run("git", "clone", "--quiet", origin, clone)
        stack = project(clone, f"uds-stack-tests-source{ENDINGS[compiled]}")
        return running(stack, stack.up)

    with one_of_each(make) as found:
        yield found


@pytest.fixture
def from_source(clones: Callable[[str], Project], compiled: str) -> Project:
    """A clone of the project, with the files that git tracks alone, and running."""
    return clones(compiled)


@pytest.mark.native
def test_page_is_served_through_h2o(stack: Project) -> None:
    page = stack.get()

    assert (page.status, page.text) == (200, "Hello World!")


@pytest.mark.test_all
@pytest.mark.native
def test_page_renders_in_a_browser(stack: Project, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        cannot_run("needs chromium or google-chrome")

    shown = run(str(browser), *HEADLESS, f"--user-data-dir={tmp_path}", "--dump-dom", stack.url, timeout=60).stdout

    assert "Hello World!" in shown


def test_second_up_keeps_the_running_containers(stack: Project) -> None:
    before = stack.compose("ps", "--quiet").stdout

    stack.up()

    assert stack.compose("ps", "--quiet").stdout == before


def test_clone_contains_no_publish_or_env(from_source: Project) -> None:
    assert not {"publish", ".env"} & {path.name for path in from_source.root.iterdir()}


@pytest.mark.native
def test_clone_serves_the_page_from_an_image_built_from_source(from_source: Project) -> None:
    page = from_source.get()

    assert (page.status, page.text) == (200, "Hello World!")
    assert "\nUid:\t1654\t1654\t" in from_source.beside("app", "cat", "/proc/1/status").stdout


@pytest.mark.native
def test_image_runs_the_app_as_its_user(from_source: Project, compiled: str) -> None:
    image = run("docker", "compose", "images", "--quiet", "app", cwd=from_source.root, env=from_source.environment)

    config = json.loads(run("docker", "image", "inspect", image.stdout.strip()).stdout)[0]["Config"]

    assert config["User"] == "1654:1654"
    assert config["Entrypoint"] == COMMANDS[compiled]


@pytest.mark.test_all
def test_watch_rebuilds_the_image_after_an_edit(from_source: Project, tmp_path: Path) -> None:
    command = ["docker", "compose", "up", "--watch"]
    log = tmp_path / "log"
    with log.open("w") as out:
        environment = {**os.environ, **from_source.environment}
        watch = subprocess.Popen(command, cwd=from_source.root, env=environment, stdout=out, stderr=out)
    try:
        eventually(lambda: "Watch enabled" in log.read_text(), "the watch")
        edit(from_source.root / "src/myapp/Program.cs", "Hello World!", "Watched")

        eventually(lambda: from_source.page().text == "Watched", "the edit", within=120)
    finally:
        watch.kill()
        watch.wait()
        from_source.compose("down")  # Compose may have been replacing a container
        from_source.up()
