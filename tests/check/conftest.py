"""A project to edit."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.check.corpus import Case
from tests.testkit.bake import REPO, cookiecutter, copy_project
from tests.testkit.process import run


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project named shop, as if it had been published. Read it, don't change it."""
    output_dir = tmp_path_factory.mktemp("shop")
    cookiecutter(REPO, output_dir, "--accept-hooks", "no", "project_name=Shop", "http_port=18100")
    project = output_dir / "shop"
    (project / "publish").mkdir()
    (project / "publish/shop.dll").touch()
    return project


@pytest.fixture
def project(shop: Path, tmp_path: Path) -> Path:
    """A copy of the project, to change."""
    return copy_project(shop, tmp_path / "shop")


@pytest.fixture
def edited(shop: Path, tmp_path: Path) -> Callable[[Case], Path]:
    """A function that gives a copy of the project, edited, and with ./publish newer than that."""

    def make(case: Case) -> Path:
        project = copy_project(shop, tmp_path / "shop")
        case.apply(project)
        for file in [project / "publish", *(project / "publish").glob("*")]:
            if file.exists():
                os.utime(file)
        return project

    return make


@pytest.fixture(scope="session")
def h2o_image(shop: Path) -> Iterator[None]:
    """The image of H2O under the Compose name that `corpus.check` uses, for `h2o -t`."""
    environment = {"COMPOSE_PROJECT_NAME": "check-edits"}
    run("docker", "compose", "build", "--quiet", "h2o", cwd=shop, env=environment)
    yield
    run("docker", "compose", "down", "--volumes", "--rmi", "local", cwd=shop, env=environment, check=False)
