"""Stacks to redeploy again and again: one that runs from ./publish, one that runs from an image of its own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.engine.redeploy.served import Site, make_site
from tests.testkit.bake import edit
from tests.testkit.combinations import AHEAD, ENDINGS
from tests.testkit.once import one_of_each
from tests.testkit.stack import running

Projects = Callable[[str], Path]
Sites = Callable[[str], Site]


@pytest.fixture(scope="package")  # once for all files: it takes a start
def mounted_stacks(project_with_pages_of: Projects, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """A function that gives the stack of an app compiled so, as it is generated: ./publish in the official image."""

    def make(compiled: str) -> AbstractContextManager[Site]:
        root = tmp_path_factory.mktemp("mounted") / "myapp"
        site = make_site(project_with_pages_of(compiled), root, f"uds-stack-redeploy{ENDINGS[compiled]}")
        quick = site.without_sdk(tmp_path_factory.mktemp("quick"))
        return running(quick, lambda: quick.uds_stack("deploy"))

    with one_of_each(make) as sites:
        yield sites


@pytest.fixture(scope="module")
def built_stacks(project_with_pages_of: Projects, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """A function that gives the stack of an app compiled so, as in a clone: the image is built."""

    def make(compiled: str) -> AbstractContextManager[Site]:
        root = tmp_path_factory.mktemp("built") / "myapp"
        site = make_site(project_with_pages_of(compiled), root, f"uds-stack-redeploy-image{ENDINGS[compiled]}")
        (site.root / "compose.override.yaml").unlink()
        if compiled == AHEAD:
            spare_the_compiler(site)
        return running(site, lambda: site.uds_stack("deploy"))

    with one_of_each(make) as sites:
        yield sites


def spare_the_compiler(site: Site) -> None:
    """Let an image be built from ./publish with the settings of the sources, because a compilation takes a minute."""
    dockerfile = site.root / "Dockerfile"
    build, _, last_stage = dockerfile.read_text().rpartition("\nFROM ")
    assert "dotnet publish" in build
    dockerfile.write_text(f"FROM {last_stage}")
    edit(dockerfile, "COPY --from=build /publish ./\n", "COPY publish/ src/myapp/appsettings.json ./\n")
    edit(site.root / ".dockerignore", "!src/\n", "!src/\n!publish/\n")


def in_good_state(site: Site) -> Site:
    """Make sure of one healthy version, whatever the test before left."""
    if not site.tidy() or site.project.get().status != 200:
        site.set("good again")
        site.uds_stack("deploy", "--watch", "0")
    return site


@pytest.fixture
def mounted(mounted_stacks: Sites, compiled: str) -> Site:
    """A site that runs from ./publish and serves some page; it publishes without the SDK."""
    return in_good_state(mounted_stacks(compiled))


@pytest.fixture
def built(built_stacks: Sites, compiled: str) -> Site:
    """A site that runs from an image of its own and serves some page."""
    return in_good_state(built_stacks(compiled))
