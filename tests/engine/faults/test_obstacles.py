"""A socket directory that is not as it should be: one line says what to do, the exit code is 1, nothing is deleted."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.testkit.app import UNHEALTHY, App, command, image, names, running, socket_command
from tests.testkit.process import eventually, run

pytestmark = [pytest.mark.engine, pytest.mark.native]

SOCKET = "/tmp/myapp/kestrel.sock"


def start(
    publish: Path, path: str | Path, *container: str, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Start the app, here or in a container with these options, and return its result."""
    options = ("--rm", "--network=none", "--user=1654:1654", f"--volume={publish}:/app:ro", "--workdir=/app")
    inside = ("docker", "run", *options, *container, image(publish)) if container else ()
    env = {"Socket__Path": str(path), **(settings or {})}
    return run(*inside, *command(publish), cwd=publish, env=env, check=False, timeout=60)


def refusal(publish: Path, path: str | Path, *container: str, settings: Mapping[str, str] | None = None) -> str:
    """Start the app, see it exit with 1 and no stack trace, and return the one line that it prints."""
    done = start(publish, path, *container, settings=settings)

    assert done.returncode == 1
    assert "   at " not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_start_names_and_keeps_file_in_the_way(publish: Path, tmp_path: Path) -> None:
    path = tmp_path / "kestrel.sock"
    path.write_text("a file of the user's")

    assert refusal(publish, path) == f"{path} is a file, not a socket. Move it away, or set another Socket:Path.\n"
    assert path.read_text() == "a file of the user's"


def test_start_names_and_keeps_directory_in_the_way(publish: Path, tmp_path: Path) -> None:
    path = tmp_path / "kestrel.sock"
    path.mkdir()

    assert refusal(publish, path) == f"{path} is a directory. Move it away, or set another Socket:Path.\n"
    assert path.is_dir()


def test_start_names_and_keeps_link_in_the_way(publish: Path, tmp_path: Path) -> None:
    path = tmp_path / "kestrel.sock"
    path.symlink_to("/etc/hosts")

    assert refusal(publish, path).startswith(f"{path} is a link to /etc/hosts. Move it away")
    assert path.readlink() == Path("/etc/hosts")


def test_start_does_not_create_missing_directory(publish: Path, tmp_path: Path) -> None:
    path = tmp_path / "absent" / "kestrel.sock"

    assert refusal(publish, path).startswith(f"{path.parent} does not exist: create it, or mount the socket's volume")
    assert not path.parent.exists()


def test_start_creates_missing_directory_for_the_group_where_that_is_set(publish: Path, tmp_path: Path) -> None:
    path = tmp_path / "absent" / "kestrel.sock"
    settings = {"Socket__Path": str(path), "Socket__CreateDirectory": "true", "TMPDIR": str(tmp_path)}

    with subprocess.Popen(command(publish), cwd=publish, env={**os.environ, **settings}) as app:
        eventually(path.is_symlink, "a published instance")
        assert path.parent.stat().st_mode & 0o777 == 0o710
        app.terminate()


def test_start_names_path_that_is_too_long(publish: Path, tmp_path: Path) -> None:
    path = tmp_path / ("x" * (99 - len(str(tmp_path)))) / "sock"  # the instance's own name is longer by nine

    assert "is 7 bytes too long" in refusal(publish, path)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param("uid=0,gid=0,mode=0755", id="root owns it"),
        pytest.param("uid=0,gid=1654,mode=0710", id="another user owns it"),
        pytest.param("uid=1654,gid=1654,mode=0510", id="its owner may not write"),
        pytest.param("uid=1654,gid=1654,mode=0610", id="its owner may not enter"),
    ],
)
def test_start_names_directory_without_write_permission(publish: Path, options: str) -> None:
    line = refusal(publish, SOCKET, f"--tmpfs=/tmp/myapp:{options}")

    assert line.startswith("/tmp/myapp is not writable for the user app: ")
    assert "docker volume rm NAME_socket" in line


def test_start_names_read_only_directory(publish: Path) -> None:
    line = refusal(publish, SOCKET, "--tmpfs=/tmp/myapp:uid=1654,gid=1654,mode=0710,ro")

    assert line.startswith("/tmp/myapp is read-only: ")


@pytest.mark.parametrize("room", [1, 2, 3])  # the directory itself, the lock, the socket; the link is then too much
def test_start_names_full_volume(publish: Path, room: int) -> None:
    line = refusal(publish, SOCKET, f"--tmpfs=/tmp/myapp:uid=1654,gid=1654,mode=0710,nr_inodes={room}")

    assert line.startswith("/tmp/myapp is full: " if room != 2 else f"Cannot bind {SOCKET}. Is /tmp/myapp full?")


def test_start_refuses_second_unix_socket(publish: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "kestrel.sock", tmp_path / "second.sock"

    line = refusal(publish, first, settings={"Kestrel__Endpoints__Second__Url": f"http://unix:{second}"})

    assert "two Unix sockets" in line
    assert str(first) in line
    assert str(second) in line
    assert not [entry for entry in tmp_path.iterdir() if entry.is_socket()]


@pytest.mark.parametrize("timeout", ["00:00:00", "-00:00:01", "00:00:31"])  # the host's shutdown timeout is 30 s
def test_start_refuses_drain_timeout_out_of_bounds(publish: Path, tmp_path: Path, timeout: str) -> None:
    done = start(publish, tmp_path / "kestrel.sock", settings={"Socket__DrainTimeout": timeout})

    assert done.returncode == 1
    assert done.stderr == (
        f"Socket:DrainTimeout is {timeout}, but must be more than zero and at most the host's shutdown timeout of "
        "00:00:30 (shutdownTimeoutSeconds).\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        pytest.param(
            {"AllowedHosts": "example.org", "Faults__OwnHealth": "true"},
            "answers 400: add localhost to AllowedHosts",
            id="AllowedHosts",
        ),
        pytest.param({"Kestrel__EndpointDefaults__Protocols": "Http2"}, "the endpoint speaks HTTP/2 only", id="HTTP/2"),
        pytest.param(
            {"Faults__HttpsRedirection": "true", "HTTPS_PORT": "443"},
            "answers 307, Location: https://localhost/healthz: keep UseHttpsRedirection and logins away from it",
            id="UseHttpsRedirection",
        ),
        pytest.param(
            {"Faults__HealthStatus": "302"}, "answers 302, Location: /login: keep UseHttpsRedirection", id="302"
        ),
        pytest.param(
            {"Faults__HealthStatus": "401"}, "answers 401: let it answer anybody, with AllowAnonymous()", id="401"
        ),
        pytest.param({"Socket__HealthEndpoint": "false"}, "answers 404: set Socket:HealthEndpoint to true", id="404"),
        pytest.param({"Faults__HealthStatus": "503"}, "answers 503: a health check fails", id="503"),
        pytest.param({"Faults__HealthStatus": "418"}, 'answers "HTTP/1.1 418 I\'m a teapot"', id="418"),
    ],
)
def test_unhealthy_instance_logs_remedy(publish: Path, tmp_path: Path, settings: dict[str, str], hint: str) -> None:
    with running(publish, tmp_path / "kestrel.sock", until=UNHEALTHY, **settings) as app:
        assert hint in json.loads(app.line)["Message"]


def take_over(publish: Path, app: App) -> "subprocess.CompletedProcess[str]":
    """Run `take-over` beside the one app that was started on this socket."""
    private = app.path.parent / "private" / "0"
    return run(*socket_command(publish, "take-over"), cwd=publish, env={"TMPDIR": str(private)}, check=False)


def test_take_over_keeps_a_file_in_the_way(publish: Path, tmp_path: Path) -> None:
    path = tmp_path / "kestrel.sock"
    with running(publish, path) as app:
        path.unlink()
        path.write_text("somebody's")

        done = take_over(publish, app)

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"{path} is a file, not a socket. Move it away, or set another Socket:Path.\n"
        # The running instance, which looks after the path, leaves it alone too.
        assert app.process.stdout
        assert any("publishing failed; trying again" in line for line in app.process.stdout)
        assert path.read_text() == "somebody's"


def test_take_over_refuses_a_record_that_names_no_instance(publish: Path, tmp_path: Path) -> None:
    with running(publish, tmp_path / "kestrel.sock") as app:
        record = tmp_path / "private" / "0" / "UnixSocket.instance"
        record.write_text("/etc/passwd")

        done = take_over(publish, app)

        assert done.returncode == 1
        assert done.stderr == f"{record} does not name an instance. Delete it, and restart the app.\n"


def test_start_names_a_record_that_cannot_be_written(publish: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing"

    line = refusal(publish, tmp_path / "kestrel.sock", settings={"TMPDIR": str(missing)})

    assert line.startswith(f"Cannot write {missing}/UnixSocket.instance: ")
    assert line.endswith(" Set TMPDIR to a writable directory.\n")
    assert names(tmp_path) == ["kestrel.sock.lock"]


def test_take_over_refuses_the_record_of_another_user(publish: Path, tmp_path: Path) -> None:
    record = tmp_path / "UnixSocket.instance"
    record.write_text("/tmp/elsewhere/kestrel.sock.0123abcd")
    record.chmod(0o644)
    options = ("--rm", "--network=none", "--user=1654:1654", f"--volume={publish}:/app:ro", "--workdir=/app")
    mounted = f"--volume={record}:/tmp/UnixSocket.instance"

    done = run("docker", "run", *options, mounted, image(publish), *socket_command(publish, "take-over"), check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("/tmp/UnixSocket.instance belongs to another user. ")
