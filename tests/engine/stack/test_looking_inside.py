"""The commands of README that inspect a running stack."""

import json

import pytest

from tests.testkit.app import socket_command
from tests.testkit.process import run
from tests.testkit.stack import Project

pytestmark = [pytest.mark.engine, pytest.mark.native]


def test_curl_in_the_h2o_container_reaches_the_app(stack: Project) -> None:
    page = stack.inside("h2o", "curl", "--silent", "--unix-socket", "/tmp/myapp/kestrel.sock", "http://localhost/")

    assert page.stdout == "Hello World!"


def test_health_succeeds_beside_a_healthy_app(stack: Project) -> None:
    health = stack.inside("app", *socket_command(stack.root / "publish", "health"))

    assert health.stdout.startswith("healthy: /tmp/myapp/kestrel.sock.")


def test_health_fails_without_an_app(stack: Project) -> None:
    program, *words = socket_command(stack.root / "publish", "health")

    # Without --entrypoint the image would start the app, with these words as its arguments.
    alone = stack.compose(
        *("run", "--rm", "--no-deps", "--no-TTY", "--entrypoint", program, "app", *words), check=False
    )

    assert alone.returncode == 1
    assert "no instance serves here" in alone.stderr


def test_compose_reports_both_services_healthy(stack: Project) -> None:
    states = stack.compose("ps", "--format", "{{.Service}} {{.Health}}").stdout.splitlines()

    assert sorted(states) == ["app healthy", "h2o healthy"]


def test_app_logs_the_public_path_and_no_warning(stack: Project) -> None:
    container = stack.compose("ps", "--quiet", "app").stdout.strip()
    entries = [json.loads(line) for line in run("docker", "logs", container).stdout.splitlines()]

    assert "Now listening on: http://unix:/tmp/myapp/kestrel.sock" in [entry["Message"] for entry in entries]
    assert {entry["LogLevel"] for entry in entries} == {"Information"}
