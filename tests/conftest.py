"""Fixtures of more than one folder of tests, and what holds for every test: no silent skip, default signals."""

import functools
import signal
import subprocess
from pathlib import Path

import pytest

from tests.testkit.bake import REPO, cookiecutter
from tests.testkit.process import cannot_run


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
    """Skip a test of the stack where there is no engine; with UDS_STACK_REQUIRE_ENGINE, fail it."""
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
def default_bake(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The default project as Cookiecutter leaves it, and what was printed. Read it, don't change it."""
    output_dir = tmp_path_factory.mktemp("default")
    done = cookiecutter(REPO, output_dir)
    return output_dir / "myapp", done.stdout + done.stderr


@pytest.fixture(scope="session")
def default_project(default_bake: tuple[Path, str]) -> Path:
    """The default project's folder. Read it, don't change it."""
    return default_bake[0]
