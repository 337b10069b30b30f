"""Cases break the real stack as they say: without these tests the corpus would hold opinions."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.testkit.bake import REPO, cookiecutter, copy_project
from tests.testkit.combinations import AOT, HTTPS, NATIVE, ON_COMPOSE
from tests.testkit.once import Once
from tests.testkit.process import eventually, run
from tests.testkit.stack import WORKER, Project, free_port, name_https_port, project
from tests.unit.check.corpus import Case, cases

PATIENCE = 40.0  # seconds; a health check that fails takes 30 of them

pytestmark = [pytest.mark.engine, pytest.mark.test_all]


@pytest.fixture(scope="module")
def published(once: Once) -> Path:
    """The project named shop, published. Read it, don't change it."""
    folder = once("shop-published", lambda into: cookiecutter(REPO, into, "project_name=Shop", "http_port=18100"))
    return folder / "shop"


def publish_natively(project: Path, native: Path) -> None:
    """Publish a project whose app is compiled ahead of time: with the program of another one, under its own name."""
    shutil.rmtree(project / "publish")
    publish = copy_project(native / "publish", project / "publish")
    (publish / native.name).rename(publish / project.name)
    shutil.copy(project / "src" / project.name / "appsettings.json", publish)


@pytest.fixture
def stack_of(
    published: Path, project_of: Callable[[str], Path], shop_of: Callable[[str], Path], tmp_path: Path
) -> Iterator[Callable[[str], Project]]:
    """A function that gives a copy to be edited, of a combination of answers: one in a test."""
    stack = project(tmp_path / "shop", f"check-edits-stack-{WORKER}")
    stack = replace(stack, environment={**stack.environment, "HTTPS_PORT": str(free_port())})

    def copy(combination: str) -> Project:
        copy_project(shop_of(combination), stack.root)
        name_https_port(stack.root, stack.environment["HTTPS_PORT"])
        if NATIVE in combination:
            publish_natively(stack.root, project_of(AOT))
        else:
            shutil.rmtree(stack.root / "publish")
            copy_project(published / "publish", stack.root / "publish")
        stack.remove()
        return stack

    yield copy
    stack.remove()


def shown() -> list[Case]:
    return [case for case in cases(valid=False, docker=True) if "stack" in case.data]


@pytest.mark.parametrize("combination", ON_COMPOSE)
def test_unedited_project_works(combination: str, stack_of: Callable[[str], Project]) -> None:
    stack = stack_of(combination)
    stack.up()
    if HTTPS in combination:
        page = ("curl", "-sSL", "--cacert", stack.root / "tls/live/cert.pem", stack.url)
        assert run(*page).stdout == "Hello World!"
    else:
        assert stack.get().status == 200


@pytest.mark.parametrize("case", shown(), ids=str)
def test_case_breaks_the_stack(case: Case, stack_of: Callable[[str], Project]) -> None:
    stack = stack_of(case.combination)
    case.apply(stack.root)
    for settings in stack.root.glob("src/shop/appsettings*.json"):  # as if it had been published again
        if (stack.root / "publish").is_dir():
            (stack.root / "publish" / settings.name).write_text(settings.read_text())
    with contextlib.suppress(AssertionError):  # where it breaks the build, `up` says so
        stack.make_image()
    expected = case.data["stack"]
    up = subprocess.Popen(
        ["docker", "compose", "up", "--detach"],
        cwd=stack.root,
        env={**os.environ, **stack.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # `docker` runs Compose as a child, which is to end with it
    )
    try:
        if "refused" in expected:
            _, errors = up.communicate(timeout=PATIENCE + 20)
            assert up.returncode != 0
            assert expected["refused"] in errors
        elif "page" in expected:
            eventually(
                lambda: stack.page().status == expected["page"] and serves(stack, case.proxy), str(expected), PATIENCE
            )
        elif "log" in expected:
            eventually(lambda: expected["shows"] in log(stack, expected["log"]), str(expected), PATIENCE)
        else:
            eventually(lambda: expected["shows"] in output_of(stack, expected), str(expected), PATIENCE)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(up.pid, signal.SIGKILL)
        up.communicate()


def log(stack: Project, service: str) -> str:
    """What a service has logged so far."""
    done = stack.compose("logs", "--no-log-prefix", service, check=False)
    return done.stdout + done.stderr


def output_of(stack: Project, expected: Mapping[str, str]) -> list[str]:
    """The words that a command prints in a container."""
    return stack.inside(expected["inside"], *expected["run"].split(), check=False).stdout.split()


def serves(stack: Project, proxy: str) -> bool:
    """Whether the proxy runs, so that what its port answers is the outcome."""
    return proxy in stack.compose("ps", "--services", "--status", "running").stdout.split()
