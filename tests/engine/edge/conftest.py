"""One running stack per proxy, all with the same app. Every test of this folder runs for each proxy."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.testkit import combinations
from tests.testkit.bake import copy_project
from tests.testkit.combinations import AT_RUN_TIME, ENDINGS, PROXIES
from tests.testkit.once import one_of_each
from tests.testkit.stack import Project, project

Stacks = dict[str, Project]


@pytest.fixture(scope="package")
def stacks_of(
    project_with_pages_of: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Stacks]]:
    """A function that gives the running stacks of an app compiled so, by proxy. A test that changes one restores it."""

    @contextmanager
    def make(compiled: str) -> Iterator[Stacks]:
        publish = project_with_pages_of(compiled) / "publish"
        found: Stacks = {}
        try:
            for proxy in PROXIES:
                combination = f"{proxy}{ENDINGS[compiled]}"
                root = combinations.bake(combination, tmp_path_factory.mktemp(f"edge-{combination}"))
                copy_project(publish, root / "publish")
                found[proxy] = project(root, f"uds-stack-edge-{combination}")
            with ThreadPoolExecutor() as pool:
                list(pool.map(Project.up, found.values()))
            yield found
        finally:
            for stack in found.values():
                stack.remove()

    with one_of_each(make) as found:
        yield found


@pytest.fixture(scope="package")
def stacks(stacks_of: Callable[[str], Stacks]) -> Stacks:
    """Return the running stacks by proxy. A test that changes one restores it."""
    return stacks_of(AT_RUN_TIME)


@pytest.fixture(params=PROXIES, scope="package")
def proxy(request: pytest.FixtureRequest) -> str:
    """Return the proxy's name, which is also its service's name."""
    return str(request.param)


@pytest.fixture
def stack(stacks_of: Callable[[str], Stacks], compiled: str, proxy: str) -> Project:
    """Return the running stack of `proxy`. Read it, don't change it."""
    return stacks_of(compiled)[proxy]


@pytest.fixture
def changing_stack(stack: Project) -> Iterator[Project]:
    """Return the stack of `proxy` for a test that stops a service; start it again afterwards."""
    yield stack
    stack.recover()


@pytest.fixture
def port(stack: Project) -> int:
    """Return the port of this host on which the proxy is published."""
    return int(stack.environment["HTTP_PORT"])
