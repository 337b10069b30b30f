"""A project to edit."""

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.testkit import combinations
from tests.testkit.bake import copy_project
from tests.testkit.once import Once
from tests.testkit.process import run
from tests.unit.check.corpus import COMPOSE_NAME, Case


@pytest.fixture(scope="session")
def shop_of(once: Once) -> Callable[[str], Path]:
    """A function that gives a project named shop, of a combination of answers. Read it, don't change it."""

    def shop(name: str) -> Path:
        def bake(folder: Path) -> None:
            combinations.finish(combinations.bake(name, folder, "project_name=Shop", "http_port=18100"))

        return once(f"shop-{name}", bake) / "shop"

    return shop


@pytest.fixture(scope="session")
def shop(shop_of: Callable[[str], Path]) -> Path:
    """A project named shop, as if it had been published. Read it, don't change it."""
    return shop_of("h2o")


@pytest.fixture
def project(shop: Path, tmp_path: Path) -> Path:
    """A copy of the project, to change."""
    return copy_project(shop, tmp_path / "shop")


@pytest.fixture
def edited(shop_of: Callable[[str], Path], tmp_path: Path) -> Callable[[Case], Path]:
    """A function that gives a copy of a case's project, edited, and with ./publish newer than that."""

    def make(case: Case) -> Path:
        project = copy_project(shop_of(case.combination), tmp_path / "shop")
        case.apply(project)
        for file in [project / "publish", *(project / "publish").glob("*")]:
            if file.exists():
                os.utime(file)
        return project

    return make


@pytest.fixture(scope="session")
def build_image(shop_of: Callable[[str], Path]) -> Iterator[Callable[[str], None]]:
    """A function that builds a proxy's image under the Compose name that `corpus.check` uses, for its validator."""
    environment = {"COMPOSE_PROJECT_NAME": COMPOSE_NAME}
    built: list[Path] = []

    @functools.cache
    def build(proxy: str) -> None:
        project = shop_of(proxy)
        built.append(project)
        run("docker", "compose", "build", "--quiet", proxy, cwd=project, env=environment)

    yield build
    for project in built:
        run("docker", "compose", "down", "--volumes", "--rmi", "local", cwd=project, env=environment, check=False)


@pytest.fixture
def h2o_image(build_image: Callable[[str], None]) -> None:
    """The image of H2O."""
    build_image("h2o")
