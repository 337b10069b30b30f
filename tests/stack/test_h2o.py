"""H2O as the project configures it: logs, headers, its page for an absent app, and another image in its place."""

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


def test_h2o_finds_its_configuration_right(stack: Project) -> None:
    tried = stack.inside("h2o", "h2o", "-t", "-c", "/etc/h2o/h2o.conf")

    assert "configuration OK" in tried.stdout + tried.stderr


def test_h2o_runs_under_its_master(stack: Project) -> None:
    assert "start_server" in stack.inside("h2o", "cat", "/proc/1/cmdline").stdout


def test_the_host_hears_of_h2o_before_anybody_asks(own_stack: Project) -> None:
    """Otherwise an engine before 28 lets visitors wait a second each time that H2O is started again."""
    own_stack.compose("build", "h2o")  # `run` publishes no port, so nobody asks

    neighbours = own_stack.compose("run", "--rm", "--no-deps", "--no-TTY", "h2o", "cat", "/proc/net/arp").stdout

    assert len(neighbours.splitlines()) == 2, neighbours


def test_h2o_starts_where_there_is_no_network(own_stack: Project) -> None:
    own_stack.compose("build", "h2o")
    done = run("docker", "run", "--rm", "--network=none", "uds-stack-tests-h2o-h2o", "h2o", "--version")

    assert "h2o version 2.2.5" in done.stdout
    assert done.stderr == ""


def test_a_proxy_for_what_containers_fetch_is_not_asked_for_the_health(own_stack: Project) -> None:
    """Docker puts the proxies of its user's configuration into every container."""
    build = "    build: h2o\n"
    proxy = "    environment: {http_proxy: 'http://192.0.2.1:3128'}\n"
    edit(own_stack.root / "compose.yaml", build, build + proxy)

    own_stack.up()

    assert own_stack.get().text == "Hello World!"


def test_each_request_is_one_line_of_json_on_stdout(stack: Project) -> None:
    agent = 'a "quoted" \\ agent'
    with socket.create_connection(("127.0.0.1", int(stack.environment["HTTP_PORT"]))) as connection:
        request = f"GET /no-such-page HTTP/1.1\r\nHost: a\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 404")

    def entries() -> list[dict[str, object]]:
        return [json.loads(line) for line in h2o_log(stack).stdout.splitlines() if "no-such-page" in line]

    eventually(entries, "an entry in the access log")
    assert [(entry["method"], entry["status"], entry["agent"]) for entry in entries()] == [("GET", 404, agent)]


def test_errors_go_to_stderr(own_stack: Project) -> None:
    own_stack.up()
    own_stack.compose("stop", "app")

    assert own_stack.get().status == 502

    eventually(lambda: "failed to connect" in h2o_log(own_stack).stderr, "an error on stderr")
    assert "failed to connect" not in h2o_log(own_stack).stdout


def test_visitors_see_a_page_of_its_own_while_the_app_is_away(own_stack: Project) -> None:
    own_stack.up()
    own_stack.compose("stop", "app")

    page = own_stack.get("/any/page")

    assert page.status == 502
    assert page.headers["retry-after"] == "1"
    assert "Back in a moment" in page.text


def test_app_sees_the_client_and_nothing_that_a_client_invents(own_stack: Project) -> None:
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
        assert own_stack.inspect("h2o")["Config"]["Image"] == "uds-stack-tests/another-h2o:1"  # type: ignore[index]
    finally:
        own_stack.remove()
        run("docker", "image", "rm", "--force", "uds-stack-tests/another-h2o:1")


def test_down_is_not_held_up_by_a_browser(own_stack: Project) -> None:
    own_stack.up()
    with socket.create_connection(("127.0.0.1", int(own_stack.environment["HTTP_PORT"]))) as browser:
        browser.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert browser.recv(15) == b"HTTP/1.1 200 OK"

        own_stack.compose("down", "--timeout", "60", check=False)
        assert own_stack.compose("ps", "--all", "--quiet").stdout == ""
