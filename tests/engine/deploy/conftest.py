"""A stack to deploy again and again, for each way to compile the app."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.engine.deploy.served import Site, make_site
from tests.testkit.combinations import ENDINGS
from tests.testkit.once import one_of_each
from tests.testkit.stack import running

Projects = Callable[[str], Path]
Sites = Callable[[str], Site]


@pytest.fixture(scope="package")  # once for all files: it takes a start
def sites(project_with_pages_of: Projects, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """A function that gives the stack of an app compiled so. A deployment builds its image in a second."""

    def make(compiled: str) -> AbstractContextManager[Site]:
        root = tmp_path_factory.mktemp("site") / "myapp"
        site = make_site(project_with_pages_of(compiled), root, f"uds-stack-deploy{ENDINGS[compiled]}")
        site.spare_the_compiler()
        return running(site, lambda: site.uds_stack("deploy"))

    with one_of_each(make) as found:
        yield found


@pytest.fixture
def site(sites: Sites, compiled: str) -> Site:
    """A site that is healthy and serves some page, whatever the test before left."""
    found = sites(compiled)
    if not found.tidy() or found.project.get().status != 200:
        found.set("good again")
        found.uds_stack("deploy", "--watch", "0")
    return found


@pytest.fixture
def dockerfile(project_with_pages_of: Projects, compiled: str) -> str:
    """The Dockerfile of the generated project, which compiles."""
    return (project_with_pages_of(compiled) / "Dockerfile").read_text()
