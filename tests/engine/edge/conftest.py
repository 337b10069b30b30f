"""One running stack per proxy and way to compile, all with the same app. Every test here runs for each proxy."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.testkit import combinations
from tests.testkit.bake import copy_project
from tests.testkit.combinations import AOT, ENDINGS, JIT, NATIVE, PROXIES
from tests.testkit.once import one_of_each
from tests.testkit.stack import Project, project, running

Stacks = Callable[[str], Project]


@pytest.fixture(scope="package")
def stacks(project_with_pages_of: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stacks]:
    """A function that gives the running stack of a combination. A test that changes one restores it."""

    def make(combination: str) -> AbstractContextManager[Project]:
        compiled = AOT if combination.endswith(NATIVE) else JIT
        root = combinations.bake(combination, tmp_path_factory.mktemp(f"edge-{combination}"))
        copy_project(project_with_pages_of(compiled) / "publish", root / "publish")
        stack = project(root, f"uds-stack-edge-{combination}")
        return running(stack, stack.up)

    with one_of_each(make) as found:
        yield found


@pytest.fixture(params=PROXIES, scope="package")
def proxy(request: pytest.FixtureRequest) -> str:
    """Return the proxy's name, which is also its service's name."""
    return str(request.param)


@pytest.fixture
def stack(stacks: Stacks, compiled: str, proxy: str) -> Project:
    """Return the running stack of `proxy`. Read it, don't change it."""
    return stacks(f"{proxy}{ENDINGS[compiled]}")


@pytest.fixture
def changing_stack(stack: Project) -> Iterator[Project]:
    """Return the stack of `proxy` for a test that stops a service; start it again afterwards."""
    yield stack
    stack.recover()


@pytest.fixture
def port(stack: Project) -> int:
    """Return the port of this host on which the proxy is published."""
    return int(stack.environment["HTTP_PORT"])
