"""Fixtures of more than one folder of tests, and what holds for every test: its worker, no silent skip, its signals."""

import functools
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.testkit import combinations
from tests.testkit.bake import REPO, cookiecutter
from tests.testkit.combinations import AOT, ENDINGS, JIT
from tests.testkit.faults import add_pages
from tests.testkit.once import Once
from tests.testkit.process import cannot_run
from uds_stack.generate import publish as publishing

# Folders in which tests share a stack, so that one worker of pytest-xdist runs each of them, in order.
# The other tests with the engine can run beside any: they come last, and let all workers end at the same time.
AREAS = ("deploy", "edge", "faults", "stack")


# `make test` runs the default project on the engine, `make test-all` every other combination.
OF_TEST_ALL = {AOT, *combinations.COMBINATIONS} - {"h2o"}


def area(item: pytest.Item) -> str:
    """Return the folder of a test with the engine, if its tests share a stack."""
    folder = item.path.parent.name
    return folder if folder in AREAS and item.get_closest_marker("engine") else ""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with the marker `native` for both ways to compile the app."""
    if metafunc.definition.get_closest_marker("native"):
        metafunc.parametrize("compiled", ENDINGS, indirect=True)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Make each area a group of pytest-xdist, and leave what is about another proxy or a native app to test-all."""
    if area(item):
        item.add_marker(pytest.mark.xdist_group(area(item)))
    if item.get_closest_marker("engine") and subjects(item) & OF_TEST_ALL:
        item.add_marker(pytest.mark.test_all)


def subjects(item: pytest.Item) -> set[str]:
    """Return what a test is run for: a combination of answers, a proxy, a way to compile; other words too."""
    parameters = getattr(item, "callspec", None)
    return {str(getattr(one, "combination", one)) for one in parameters.params.values()} if parameters else set()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the areas first."""
    items.sort(key=lambda item: AREAS.index(area(item)) if area(item) else len(AREAS))


@functools.cache
def missing_engine() -> str:
    """Return why tests cannot use a Docker engine; empty where they can."""
    for command in (["docker", "version"], ["docker", "compose", "version"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode != 0:
            return f"{' '.join(command)}: {done.stderr.strip()}"
    return ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test of the stack where there is no engine; with UDS_STACK_SKIP_NOTHING, fail it."""
    if item.get_closest_marker("engine") and (reason := missing_engine()):
        cannot_run(f"needs a Docker engine: {reason}")


@pytest.fixture(scope="session", autouse=True)
def _default_signals() -> None:
    """Start every program with the default handling of SIGINT, SIGTERM and SIGHUP."""
    # A shell's background job ignores SIGINT, and nohup SIGHUP; programs inherit that. They do not inherit a handler.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """Fills folders once for all workers of this run."""
    own = tmp_path_factory.getbasetemp()
    return Once(own if worker_id == "master" else own.parent)


@pytest.fixture
def compiled(request: pytest.FixtureRequest) -> str:
    """How the app of a test is compiled: JIT, unless the marker `native` runs the test for AOT too."""
    return str(getattr(request, "param", JIT))


def require_compiler(compiled: str) -> None:
    """Skip the running test, or fail it, where its app cannot be compiled."""
    if compiled == AOT and (fault := publishing.compiler_fault()):
        cannot_run(fault)


@pytest.fixture(scope="session")
def project_of(once: Once) -> Callable[[str], Path]:
    """A function that gives the default project, with the JIT or AOT, as Cookiecutter leaves it.

    Read it, don't change it.
    """

    def make(compiled: str) -> Path:
        require_compiler(compiled)
        answers = ["native_aot=yes"] if compiled == AOT else []
        return once(f"default-{compiled}", lambda folder: cookiecutter(REPO, folder, *answers)) / "myapp"

    return make


@pytest.fixture(scope="session")
def project_with_pages_of(once: Once) -> Callable[[str], Path]:
    """A function that gives the default project with the test endpoints, with the JIT or AOT, published.

    Read it, don't change it.
    """

    def make(compiled: str) -> Path:
        require_compiler(compiled)

        def fill(folder: Path) -> None:
            add_pages(combinations.bake(f"h2o{ENDINGS[compiled]}", folder / "baked"), folder / "myapp")

        return once(f"pages-{compiled}", fill) / "myapp"

    return make


@pytest.fixture(scope="session")
def default_project(project_of: Callable[[str], Path]) -> Path:
    """The default project as Cookiecutter leaves it. Read it, don't change it."""
    return project_of(JIT)


@pytest.fixture(scope="session")
def project_with_pages(project_with_pages_of: Callable[[str], Path]) -> Path:
    """The default project with the test endpoints, published. Read it, don't change it."""
    return project_with_pages_of(JIT)


@pytest.fixture(scope="session")
def publish(project_with_pages: Path) -> Path:
    """Its published app. Read it, don't change it."""
    return project_with_pages / "publish"
