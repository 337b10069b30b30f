"""The app's first image, which the hook makes, in the hands of Compose."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.testkit.bake import REPO, cookiecutter, edit
from tests.testkit.process import run
from tests.testkit.stack import Project, project

pytestmark = pytest.mark.engine

NAME = "uds-stack-tests-first"


def generate(folder: Path) -> tuple[Project, str]:
    """Generate a project in a folder with an engine at hand; return it with what was printed."""
    folder.mkdir()
    stack = project(folder / "myapp", NAME)
    done = cookiecutter(REPO, folder, env={"COMPOSE_PROJECT_NAME": NAME}, engine=True)
    return stack, done.stdout + done.stderr


def up(stack: Project, *options: str) -> "subprocess.CompletedProcess[str]":
    """Start the stack as a user does: `Project.up` makes an image of its own."""
    return stack.compose("up", "--detach", "--wait", *options)


def inspect(image: str) -> dict[str, Any]:
    """Return `docker image inspect` of an image; nothing where it is not there."""
    found: list[dict[str, Any]] = json.loads(run("docker", "image", "inspect", image, check=False).stdout)
    return found[0] if found else {}


@pytest.fixture
def generated(tmp_path: Path) -> Iterator[tuple[Project, str]]:
    """A new project and what its hook printed."""
    stack = project(tmp_path / "one" / "myapp", NAME)
    try:
        yield generate(tmp_path / "one")
    finally:
        stack.remove()


def test_up_starts_the_first_image_without_a_build(generated: tuple[Project, str]) -> None:
    stack, printed = generated
    first = inspect(stack.image)

    up(stack)

    assert f"Built the image {stack.image} from ./publish" in printed
    assert first["Config"]["Labels"]["com.docker.compose.project"] == NAME
    assert first["Config"]["Labels"]["com.docker.compose.service"] == "app"
    assert first["Config"]["User"] == "1654:1654"
    assert stack.inspect("app")["Image"] == first["Id"] == inspect(stack.image)["Id"]
    assert stack.get().text == "Hello World!"


def test_up_with_build_after_an_edit_shows_the_edit(generated: tuple[Project, str]) -> None:
    stack, _ = generated
    up(stack)
    edit(stack.root / "src/myapp/Program.cs", "Hello World!", "Hello again!")

    up(stack, "--build")

    assert stack.get().text == "Hello again!"


def test_down_with_rmi_local_removes_the_first_image(generated: tuple[Project, str]) -> None:
    stack, _ = generated

    stack.compose("down", "--rmi", "local")

    assert inspect(stack.image) == {}


def test_image_of_an_older_project_is_replaced_and_named(generated: tuple[Project, str], tmp_path: Path) -> None:
    stack, _ = generated
    edit(stack.root / "compose.yaml", "build: .\n", "build:\n      context: .\n      labels: {older: project}\n")
    stack.compose("build", "--quiet", "app")
    older = inspect(stack.image)["Id"]

    _, printed = generate(tmp_path / "two")

    assert f"It replaces an older one of that name, {older.removeprefix('sha256:')[:12]}." in printed
    assert inspect(stack.image)["Id"] != older


def test_image_of_a_project_with_containers_elsewhere_is_kept(generated: tuple[Project, str], tmp_path: Path) -> None:
    stack, _ = generated
    up(stack)
    image = inspect(stack.image)["Id"]

    _, printed = generate(tmp_path / "two")

    assert f"No first image: the containers of {stack.root} have the Compose name {NAME} too" in printed
    assert inspect(stack.image)["Id"] == image
    assert stack.get().text == "Hello World!"
