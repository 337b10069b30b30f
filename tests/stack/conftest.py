"""One running stack for all tests that do not change it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testkit.bake import copy_project
from tests.testkit.stack import Project, project


@pytest.fixture(scope="package")
def stack(default_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The default project, running from ./publish. Do not change it."""
    root = copy_project(default_project, tmp_path_factory.mktemp("stack") / "myapp")
    running = project(root, "uds-stack-tests")
    try:
        running.up()
        yield running
    finally:
        running.remove()
