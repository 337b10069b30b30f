"""One stack for all faults: the default project with pages for faults, and waits that are shortened for the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testkit.bake import copy_project, edit
from tests.testkit.stack import Project, project


@pytest.fixture(scope="package")
def _faulty_stack(project_with_pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    root = copy_project(project_with_pages, tmp_path_factory.mktemp("faulty") / "myapp")
    edit(root / "h2o" / "h2o.conf", "proxy.timeout.io: 30000", "proxy.timeout.io: 3000")
    edit(root / "compose.yaml", "interval: 30s", "interval: 1s")
    stack = project(root, "uds-stack-faults")
    try:
        yield stack
    finally:
        stack.remove()


@pytest.fixture
def faulty_stack(_faulty_stack: Project) -> Project:
    """The stack, up and healthy, whatever the test before did to it."""
    _faulty_stack.recover()
    return _faulty_stack
