"""Running stacks for all tests that do not change one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.testkit.bake import copy_project
from tests.testkit.combinations import ENDINGS
from tests.testkit.once import one_of_each
from tests.testkit.stack import Project, project


@pytest.fixture(scope="package")
def stacks(
    project_of: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Project]]:
    """A function that gives the default project with an app compiled so, running from ./publish."""

    @contextmanager
    def make(compiled: str) -> Iterator[Project]:
        root = copy_project(project_of(compiled), tmp_path_factory.mktemp("stack") / "myapp")
        running = project(root, f"uds-stack-tests{ENDINGS[compiled]}")
        try:
            running.up()
            yield running
        finally:
            running.remove()

    with one_of_each(make) as found:
        yield found


@pytest.fixture
def stack(stacks: Callable[[str], Project], compiled: str) -> Project:
    """The default project, running from ./publish. Do not change it."""
    return stacks(compiled)
