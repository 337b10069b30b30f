"""What uds-stack refuses before it changes anything, and the reason that it gives."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.deploy.served import Site
from tests.testkit.bake import edit
from tests.testkit.command import UDS_STACK
from tests.testkit.process import run
from tests.testkit.stack import Project

pytestmark = pytest.mark.engine


def test_deploy_refuses_a_stack_of_another_name(site: Site) -> None:
    before = site.containers() + site.containers("h2o")
    other = Site(Project(site.root, {**site.project.environment, "COMPOSE_PROJECT_NAME": "uds-stack-another"}))

    done = other.uds_stack("deploy", code=1)

    assert "the stack that runs from this folder is uds-stack-deploy, not uds-stack-another" in done.stderr
    assert site.containers() + site.containers("h2o") == before
    assert other.containers() + other.containers("h2o") == []


def test_deploy_refuses_replicas(site: Site) -> None:
    compose = site.root / "compose.yaml"
    text = compose.read_text()
    edit(compose, "    build: .\n", "    build: .\n    deploy: {replicas: 2}\n")
    try:
        assert "remove `replicas`" in site.uds_stack("deploy", code=1).stderr
    finally:
        compose.write_text(text)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a project, as another run does."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def test_deploy_refuses_an_app_without_a_build(site: Site) -> None:
    mounted = {**site.project.environment, "COMPOSE_FILE": "compose.yaml:compose.publish.yaml"}
    before = site.containers()

    done = run(*site.command("deploy"), env=mounted, check=False)

    assert done.returncode == 1
    assert "compose.yaml: app has no `build`, so there is nothing to deploy" in done.stderr
    assert site.containers() == before


def test_lock_refuses_a_second_run(site: Site) -> None:
    before = site.containers()
    with locked(site.root):
        done = site.uds_stack("deploy", code=1)

    assert "another uds-stack" in done.stderr
    assert site.containers() == before


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"PATH": "/nowhere"}, "docker is not installed"),
        ({"DOCKER_HOST": "unix:///nowhere.sock"}, "the Docker engine does not answer"),
    ],
)
def test_missing_tool_is_named(site: Site, environment: dict[str, str], reason: str) -> None:
    done = run(*site.command("deploy"), env={**site.project.environment, **environment}, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith(f"uds-stack: {reason}")
    assert "Traceback" not in done.stderr


def test_deploy_outside_of_a_project_fails_with_a_message(tmp_path: Path) -> None:
    done = run(*UDS_STACK, "deploy", cwd=tmp_path, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith(f"uds-stack: no project in {tmp_path} and the folders above it")
    assert len(done.stderr.splitlines()) == 1
