"""Running stacks for all tests that do not change one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.testkit.bake import copy_project
from tests.testkit.combinations import ENDINGS
from tests.testkit.once import one_of_each
from tests.testkit.stack import Project, project, running


@pytest.fixture(scope="package")
def stacks(
    project_of: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Project]]:
    """A function that gives the default project with an app compiled so, running from its first image."""

    def make(compiled: str) -> AbstractContextManager[Project]:
        root = copy_project(project_of(compiled), tmp_path_factory.mktemp("stack") / "myapp")
        stack = project(root, f"uds-stack-tests{ENDINGS[compiled]}")
        return running(stack, stack.up)

    with one_of_each(make) as found:
        yield found


@pytest.fixture
def stack(stacks: Callable[[str], Project], compiled: str) -> Project:
    """The default project, running from its first image. Do not change it."""
    return stacks(compiled)
