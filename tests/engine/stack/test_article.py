"""The steps of the article that this template is based on, with the article's values."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.testkit.bake import REPO, cookiecutter, copy_project
from tests.testkit.combinations import AOT, ENDINGS, JIT
from tests.testkit.process import run
from tests.testkit.stack import Project, free_port, port_is_free, project, running

pytestmark = pytest.mark.engine

SOCKET = "/tmp/myapp/kestrel.sock"


OFFICIAL_IMAGES = {
    JIT: "mcr.microsoft.com/dotnet/aspnet:10.0",
    AOT: "mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled",
}
COMMANDS = {JIT: ["dotnet", "myapp.dll"], AOT: ["./myapp"]}


def mounted(root: Path, name: str, port: int) -> Project:
    """Return a project that runs ./publish as the article does, by compose.publish.yaml."""
    image = project(root, name, port)
    return replace(image, environment={**image.environment, "COMPOSE_FILE": "compose.yaml:compose.publish.yaml"})


@pytest.fixture(scope="module")
def article(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The article's project, baked and running; on 8080 unless a demo is there."""
    output_dir = tmp_path_factory.mktemp("article")
    cookiecutter(REPO, output_dir, "project_name=myapp", f"socket_path={SOCKET}", "http_port=8080")
    stack = mounted(output_dir / "myapp", "uds-stack-article", 8080 if port_is_free(8080) else free_port())
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


@pytest.mark.native
def test_app_runs_the_official_image_with_publish_mounted_read_only(
    project_of: Callable[[str], Path], compiled: str, tmp_path: Path
) -> None:
    root = copy_project(project_of(compiled), tmp_path / "myapp")
    stack = mounted(root, f"uds-stack-mounted{ENDINGS[compiled]}", free_port())
    with running(stack, stack.up):
        container, page = stack.inspect("app"), stack.get().text

    assert page == "Hello World!"
    assert container["Config"]["Image"] == OFFICIAL_IMAGES[compiled]
    assert container["Config"]["WorkingDir"] == "/app"
    assert [container["Path"], *container["Args"]] == COMMANDS[compiled]
    mounts = {mount["Destination"]: mount for mount in container["Mounts"]}
    assert mounts["/app"]["Source"] == str(stack.root / "publish")
    assert mounts["/app"]["RW"] is False


def test_publish_contains_the_app(article: Project) -> None:
    assert (article.root / "publish/myapp.dll").is_file()
    assert article.inside("app", "ls", "/app/myapp.dll").stdout.strip() == "/app/myapp.dll"


@pytest.mark.parametrize("service", ["app", "h2o"])
def test_socket_path_is_a_socket_in_both_containers(article: Project, service: str) -> None:
    assert article.inside(service, "stat", "-L", "-c", "%F", SOCKET).stdout.strip() == "socket"


def test_socket_serves_the_page(article: Project) -> None:
    curl = ["curl", "--fail", "--silent", "--unix-socket", SOCKET, "http://localhost/"]

    assert article.inside("h2o", *curl).stdout == "Hello World!"


def test_h2o_serves_the_page_of_the_app(article: Project) -> None:
    assert run("curl", "--fail", "--silent", "--noproxy", "*", article.url).stdout == "Hello World!"


def test_compose_publishes_port_8080_by_default(article: Project) -> None:
    config = run("docker", "compose", "config", "--format", "json", cwd=article.root).stdout

    assert json.loads(config)["services"]["h2o"]["ports"][0]["published"] == "8080"


def test_down_removes_containers_networks_and_volumes(article: Project) -> None:
    article.compose("down", "--volumes")

    label = f"label=com.docker.compose.project={article.environment['COMPOSE_PROJECT_NAME']}"
    for kind in (["ps", "--all"], ["network", "ls"], ["volume", "ls"]):
        assert run("docker", *kind, "--quiet", "--filter", label).stdout == ""
