"""One stack for all faults: the default project with pages for faults, and waits that are shortened for the tests."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.testkit.bake import copy_project, edit
from tests.testkit.combinations import ENDINGS
from tests.testkit.once import one_of_each
from tests.testkit.stack import Project, project, running

Projects = Callable[[str], Path]


@pytest.fixture(scope="package")
def _faulty_stacks(
    project_with_pages_of: Projects, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Project]]:
    def make(compiled: str) -> AbstractContextManager[Project]:
        root = copy_project(project_with_pages_of(compiled), tmp_path_factory.mktemp("faulty") / "myapp")
        edit(root / "h2o" / "h2o.conf", "proxy.timeout.io: 30000", "proxy.timeout.io: 3000")
        edit(root / "compose.yaml", "interval: 30s", "interval: 1s")
        stack = project(root, f"uds-stack-faults{ENDINGS[compiled]}")
        return running(stack, stack.up)

    with one_of_each(make) as stacks:
        yield stacks


@pytest.fixture
def faulty_stack(_faulty_stacks: Callable[[str], Project], compiled: str) -> Project:
    """The stack of an app compiled so, up and healthy, whatever the test before did to it."""
    stack = _faulty_stacks(compiled)
    stack.recover()
    return stack


@pytest.fixture
def publish(project_with_pages_of: Projects, compiled: str) -> Path:
    """The published app with the test endpoints, compiled so. Read it, don't change it."""
    return project_with_pages_of(compiled) / "publish"
