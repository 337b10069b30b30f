"""One running stack per proxy, all with the same app. Every test of this folder runs for each proxy."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.testkit import combinations
from tests.testkit.bake import copy_project
from tests.testkit.combinations import PROXIES
from tests.testkit.stack import Project, project


@pytest.fixture(scope="package")
def stacks(publish: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Project]]:
    """Return the running stacks by proxy. A test that changes one restores it."""
    found: dict[str, Project] = {}
    try:
        for proxy in PROXIES:
            root = combinations.bake(proxy, tmp_path_factory.mktemp(f"edge-{proxy}"))
            copy_project(publish, root / "publish")
            found[proxy] = project(root, f"uds-stack-edge-{proxy}")
        with ThreadPoolExecutor() as pool:
            list(pool.map(Project.up, found.values()))
        yield found
    finally:
        for stack in found.values():
            stack.remove()


@pytest.fixture(params=PROXIES, scope="package")
def proxy(request: pytest.FixtureRequest) -> str:
    """Return the proxy's name, which is also its service's name."""
    return str(request.param)


@pytest.fixture(scope="package")
def stack(stacks: dict[str, Project], proxy: str) -> Project:
    """Return the running stack of `proxy`. Read it, don't change it."""
    return stacks[proxy]


@pytest.fixture
def changing_stack(stack: Project) -> Iterator[Project]:
    """Return the stack of `proxy` for a test that stops a service; start it again afterwards."""
    yield stack
    stack.recover()


@pytest.fixture(scope="package")
def port(stack: Project) -> int:
    """Return the port of this host on which the proxy is published."""
    return int(stack.environment["HTTP_PORT"])
