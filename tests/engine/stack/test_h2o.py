"""H2O as the project configures it: its start, its errors, and another image in its place."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testkit.bake import copy_project, edit
from tests.testkit.process import eventually, run
from tests.testkit.stack import Project, project

pytestmark = pytest.mark.engine


@pytest.fixture
def own_stack(default_project: Path, tmp_path: Path) -> Iterator[Project]:
    """A project that a test may change and start."""
    changed = project(copy_project(default_project, tmp_path / "myapp"), "uds-stack-tests-h2o")
    try:
        yield changed
    finally:
        changed.remove()


def h2o_log(stack: Project) -> subprocess.CompletedProcess[str]:
    """What H2O's container has printed, stdout and stderr apart."""
    return run("docker", "logs", stack.compose("ps", "--quiet", "h2o").stdout.strip())


def test_h2o_accepts_its_configuration(stack: Project) -> None:
    tried = stack.inside("h2o", "h2o", "-t", "-c", "/etc/h2o/h2o.conf")

    assert "configuration OK" in tried.stdout + tried.stderr


def test_h2o_runs_under_the_master_process(stack: Project) -> None:
    assert "start_server" in stack.inside("h2o", "cat", "/proc/1/cmdline").stdout


def test_health_checks_bypass_the_http_proxy_of_docker(own_stack: Project) -> None:
    # Docker sets the proxies of its user's configuration in every container.
    build = "    build: h2o\n"
    proxy = "    environment: {http_proxy: 'http://192.0.2.1:3128'}\n"
    edit(own_stack.root / "compose.yaml", build, build + proxy)

    own_stack.up()

    assert own_stack.get().text == "Hello World!"


def test_errors_go_to_stderr(own_stack: Project) -> None:
    own_stack.up()
    own_stack.compose("stop", "app")

    assert own_stack.get().status == 502

    eventually(lambda: "failed to connect" in h2o_log(own_stack).stderr, "an error on stderr")
    assert "failed to connect" not in h2o_log(own_stack).stdout


def test_another_h2o_image_takes_an_edit_of_one_line(own_stack: Project) -> None:
    """README's edit for another H2O image, with a stand-in for it under a name of its own."""
    own_stack.compose("build", "h2o")
    run("docker", "tag", "uds-stack-tests-h2o-h2o", "uds-stack-tests/another-h2o:1")
    try:
        edit(
            own_stack.root / "compose.yaml",
            "    build: h2o\n",
            "    image: uds-stack-tests/another-h2o:1\n",
        )
        own_stack.up()

        assert own_stack.get().text == "Hello World!"
        assert own_stack.inspect("h2o")["Config"]["Image"] == "uds-stack-tests/another-h2o:1"
    finally:
        own_stack.remove()
        run("docker", "image", "rm", "--force", "uds-stack-tests/another-h2o:1")
