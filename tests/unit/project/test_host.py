"""The generated project on a developer's own machine, with no container: build, test, run."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testkit.bake import copy_project, edit
from tests.testkit.process import eventually, run
from tests.testkit.stack import free_port

pytestmark = [pytest.mark.sdk, pytest.mark.xdist_group("sdk")]


@pytest.fixture(scope="module")
def project(default_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default project, to build in."""
    return copy_project(default_project, tmp_path_factory.mktemp("host") / "myapp")


@contextlib.contextmanager
def dotnet_run(project: Path, profile: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """`dotnet run` with a launch profile until the app has started; its lines so far."""
    process = subprocess.Popen(
        ["dotnet", "run", "--project", "src/myapp", "--launch-profile", profile],
        cwd=project,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    lines = []
    try:
        for line in process.stdout:
            lines.append(line.strip())
            if "Application started" in line:
                break
        assert process.poll() is None, "\n".join(lines)
        yield process, lines
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)


def listeners() -> set[str]:
    """The local addresses on which this machine listens on TCP."""
    tables = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    return {fields[1] for line in tables.splitlines() if (fields := line.split())[3] == "0A"}


def test_solution_lists_each_project(project: Path) -> None:
    solution = ElementTree.parse(project / "myapp.slnx")

    listed = {str(entry.get("Path")) for entry in solution.iter("Project")}

    assert listed == {str(path.relative_to(project)) for path in project.glob("*/*/*.csproj")}
    assert len(listed) == 4
    assert all((project / path).is_file() for path in listed)


def test_build_treats_warnings_as_errors_and_has_none(project: Path) -> None:
    built = run("dotnet", "build", "--no-incremental", cwd=project).stdout

    assert "0 Warning(s)" in built
    edit(project / "src/myapp/Program.cs", "var app = builder.Build();", "var app = builder.Build();\nstring n = null;")
    try:
        assert "error CS8600" in run("dotnet", "build", cwd=project, check=False).stdout
    finally:
        edit(project / "src/myapp/Program.cs", "\nstring n = null;", "")


@pytest.mark.test_all
def test_code_is_formatted_as_dotnet_format_would(project: Path) -> None:
    run("dotnet", "format", "--verify-no-changes", cwd=project)


def test_dotnet_test_passes_over_a_real_unix_socket(project: Path) -> None:
    printed = run("dotnet", "test", cwd=project).stdout

    counted = re.findall(r"Passed! +- Failed: +0, Passed: +(\d+), Skipped: +0", printed)
    assert len(counted) == 2, printed  # the app's, and the library's
    assert min(map(int, counted)) >= 5


def test_library_is_packed_with_its_readme(project: Path, tmp_path: Path) -> None:
    run("dotnet", "pack", "src/UnixSocket", "--output", tmp_path, cwd=project)

    [package] = tmp_path.glob("*.nupkg")
    assert {"README.md", "lib/net10.0/UnixSocket.dll"} <= set(zipfile.ZipFile(package).namelist())


@pytest.mark.test_all
def test_dotnet_test_fails_where_the_page_is_another(project: Path) -> None:
    edit(project / "src/myapp/Program.cs", "Hello World!", "Something else")
    try:
        assert "Failed: " in run("dotnet", "test", cwd=project, check=False).stdout
    finally:
        edit(project / "src/myapp/Program.cs", "Something else", "Hello World!")


def test_dotnet_run_gives_a_page_for_the_browser(project: Path) -> None:
    port = free_port()
    profiles = project / "src/myapp/Properties/launchSettings.json"
    default = next(iter(json.loads(profiles.read_text())["profiles"]))
    edit(profiles, "http://localhost:5080", f"http://localhost:{port}")

    with dotnet_run(project, default) as (_, lines):
        connection = http.client.HTTPConnection("localhost", port, timeout=20)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"Hello World!"
        assert not [line for line in lines if line.startswith("warn")]


def test_socket_profile_listens_on_a_unix_socket_and_not_on_tcp(project: Path) -> None:
    before = listeners()
    with dotnet_run(project, "socket") as (_, lines):
        path = "/tmp/myapp-dev/kestrel.sock"
        assert f"Now listening on: http://unix:{path}" in lines
        eventually(lambda: Path(path).exists(), "the socket")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"Hello World!" in answer
        assert listeners() <= before
    eventually(lambda: not Path(path).exists(), "the socket's removal")
