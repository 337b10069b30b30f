"""H2O as the project configures it: logs, headers, the 502 page, and another image instead."""

import json
import socket
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


def test_h2o_announces_its_address_before_the_first_request(own_stack: Project) -> None:
    # Otherwise, on an engine before 28, requests wait a second after each restart of H2O.
    own_stack.compose("build", "h2o")  # `run` publishes no port, so there are no requests

    neighbours = own_stack.compose("run", "--rm", "--no-deps", "--no-TTY", "h2o", "cat", "/proc/net/arp").stdout

    assert len(neighbours.splitlines()) == 2, neighbours


def test_h2o_starts_without_a_network(own_stack: Project) -> None:
    own_stack.compose("build", "h2o")
    done = run("docker", "run", "--rm", "--network=none", "uds-stack-tests-h2o-h2o", "h2o", "--version")

    assert "h2o version 2.2.5" in done.stdout
    assert done.stderr == ""


def test_health_checks_bypass_the_http_proxy_of_docker(own_stack: Project) -> None:
    # Docker sets the proxies of its user's configuration in every container.
    build = "    build: h2o\n"
    proxy = "    environment: {http_proxy: 'http://192.0.2.1:3128'}\n"
    edit(own_stack.root / "compose.yaml", build, build + proxy)

    own_stack.up()

    assert own_stack.get().text == "Hello World!"


def test_access_log_is_one_json_object_per_request_on_stdout(stack: Project) -> None:
    agent = 'a "quoted" \\ agent'
    with socket.create_connection(("127.0.0.1", int(stack.environment["HTTP_PORT"]))) as connection:
        request = f"GET /no-such-page HTTP/1.1\r\nHost: a\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 404")

    def entries() -> list[dict[str, object]]:
        return [json.loads(line) for line in h2o_log(stack).stdout.splitlines() if "no-such-page" in line]

    eventually(entries, "an entry in the access log")
    assert [(entry["method"], entry["status"], entry["agent"]) for entry in entries()] == [("GET", 404, agent)]


def test_h2o_logs_errors_to_stderr(own_stack: Project) -> None:
    own_stack.up()
    own_stack.compose("stop", "app")

    assert own_stack.get().status == 502

    eventually(lambda: "failed to connect" in h2o_log(own_stack).stderr, "an error on stderr")
    assert "failed to connect" not in h2o_log(own_stack).stdout


def test_h2o_serves_its_502_page_without_the_app(own_stack: Project) -> None:
    own_stack.up()
    own_stack.compose("stop", "app")

    page = own_stack.get("/any/page")

    assert page.status == 502
    assert page.headers["retry-after"] == "1"
    assert "Back in a moment" in page.text


def test_app_receives_the_client_address_and_no_spoofed_header(own_stack: Project) -> None:
    program = own_stack.root / "src/myapp/Program.cs"
    edit(
        program,
        'app.MapGet("/", () => "Hello World!");',
        'app.MapGet("/", (HttpContext http) => string.Join("|", http.Connection.RemoteIpAddress, http.Request.Scheme, '
        'http.Request.Host, http.Request.PathBase, http.Request.Headers["Forwarded"], '
        'http.Request.Headers["X-Forwarded-Host"], http.Request.Headers["X-Forwarded-Prefix"]));',
    )
    run("dotnet", "publish", "src/myapp", "-c", "Release", "-o", "publish", cwd=own_stack.root)
    own_stack.up()

    invented = {"Forwarded": "for=6.6.6.6", "X-Forwarded-Host": "evil", "X-Forwarded-Prefix": "/evil"}
    page = own_stack.get(headers={**invented, "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"})

    client, *rest = page.text.split("|")
    assert client not in ("", "6.6.6.6")
    assert rest == ["http", f"localhost:{own_stack.environment['HTTP_PORT']}", "", "", "", ""]


def test_h2o_image_is_replaced_by_one_edited_line(own_stack: Project) -> None:
    # The edit that README shows; a copy of the built image takes the part of the other one.
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
        assert own_stack.inspect("h2o")["Config"]["Image"] == "uds-stack-tests/another-h2o:1"  # type: ignore[index]
    finally:
        own_stack.remove()
        run("docker", "image", "rm", "--force", "uds-stack-tests/another-h2o:1")


def test_down_succeeds_with_a_browser_connected(own_stack: Project) -> None:
    own_stack.up()
    with socket.create_connection(("127.0.0.1", int(own_stack.environment["HTTP_PORT"]))) as browser:
        browser.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert browser.recv(15) == b"HTTP/1.1 200 OK"

        own_stack.compose("down", "--timeout", "60", check=False)
        assert own_stack.compose("ps", "--all", "--quiet").stdout == ""
