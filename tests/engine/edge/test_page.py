"""The page, the health checks, and no server version in a response."""

import re

import pytest

from tests.testkit.raw import head, upload
from tests.testkit.stack import Project

pytestmark = pytest.mark.engine

VERSIONS = {"h2o": "2.2", "nginx": "1.30", "caddy": "2.11"}


@pytest.mark.native
def test_proxy_serves_the_page(stack: Project) -> None:
    page = stack.get()

    assert (page.status, page.text) == (200, "Hello World!")


@pytest.mark.native
def test_services_are_healthy(stack: Project, proxy: str) -> None:
    states = stack.compose("ps", "--format", "{{.Service}} {{.Health}}").stdout.splitlines()

    assert sorted(states) == sorted(["app healthy", f"{proxy} healthy"])


def test_health_check_succeeds_on_200_and_fails_on_404(stack: Project, proxy: str) -> None:
    program, *arguments = stack.inspect(proxy)["Config"]["Healthcheck"]["Test"][1:]
    url = arguments[-1]

    assert stack.inside(proxy, program, *arguments).returncode == 0
    assert stack.inside(proxy, program, *arguments[:-1], f"{url}-not-there", check=False).returncode != 0


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(head("/"), 200, id="page"),
        pytest.param(head("/no-such-page"), 404, id="error of the app"),
        pytest.param(head("/", "Content-Length: x"), 400, id="bad request"),
        pytest.param(head("/echo", "Content-Length: 11000000", method="POST"), 413, id="body too large"),
    ],
)
def test_response_shows_no_version_of_the_server(port: int, proxy: str, request_: bytes, status: int) -> None:
    body = [b"x" * 50_000] * 220 if status == 413 else []

    response = upload(port, request_, body)

    assert response.status == status
    assert VERSIONS[proxy] not in f"{response.headers} {response.text}"
    assert not re.search(r"\d", response.headers.get("server", ""))


def test_image_has_the_version_that_responses_must_not_show(stack: Project, proxy: str) -> None:
    command = {"h2o": ["h2o", "--version"], "nginx": ["nginx", "-v"], "caddy": ["caddy", "version"]}[proxy]

    shown = stack.inside(proxy, *command)

    assert VERSIONS[proxy] in shown.stdout + shown.stderr
