"""Stacks to redeploy again and again: one that runs from ./publish, one that runs from an image of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redeploy.served import Site, make_site


@pytest.fixture(scope="package")  # once for all files: it takes a publish and a start
def mounted_stack(default_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The stack as it is generated: ./publish in the official image."""
    site = make_site(default_project, tmp_path_factory.mktemp("mounted") / "myapp", "uds-stack-redeploy")
    try:
        site.redeploy()
        yield site.without_sdk(tmp_path_factory.mktemp("quick"))
    finally:
        site.remove()


@pytest.fixture(scope="module")
def built_stack(default_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The stack of a clone: the image is built from source."""
    site = make_site(default_project, tmp_path_factory.mktemp("built") / "myapp", "uds-stack-redeploy-image")
    (site.root / "compose.override.yaml").unlink()
    try:
        site.redeploy()
        yield site
    finally:
        site.remove()


def in_good_state(site: Site) -> Site:
    """Make sure of one healthy version, whatever the test before left."""
    if not site.tidy() or site.project.get().status != 200:
        site.set("good again")
        site.redeploy("--watch", "0")
    return site


@pytest.fixture
def mounted(mounted_stack: Site) -> Site:
    """A site that runs from ./publish and serves some page; it publishes without the SDK."""
    return in_good_state(mounted_stack)


@pytest.fixture
def built(built_stack: Site) -> Site:
    """A site that runs from an image of its own and serves some page."""
    return in_good_state(built_stack)
