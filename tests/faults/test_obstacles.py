"""A socket directory that is not as it should be: one line says what to do, the exit code is 1, nothing is deleted."""

from pathlib import Path

import pytest

from tests.testkit.faults import IMAGE
from tests.testkit.process import run

pytestmark = pytest.mark.engine

SOCKET = "/tmp/myapp/kestrel.sock"


def refusal(publish: Path, path: str | Path, *container: str) -> str:
    """Start the app, here or in a container, see it exit with 1, and return the one line that it prints."""
    options = ("--rm", "--network=none", "--user=1654:1654", f"--volume={publish}:/app:ro", "--workdir=/app")
    command = ("docker", "run", *options, *container, IMAGE) if container else ()
    done = run(*command, "dotnet", "myapp.dll", cwd=publish, env={"Socket__Path": str(path)}, check=False, timeout=60)

    assert done.returncode == 1
    assert "   at " not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_a_file_in_the_way_is_named_and_stays(publish: Path, tmp_path: Path) -> None:
    path = tmp_path / "kestrel.sock"
    path.write_text("a file of the user's")

    assert refusal(publish, path) == f"{path} is a file, not a socket. Move it away, or set another Socket:Path.\n"
    assert path.read_text() == "a file of the user's"


def test_a_directory_in_the_way_is_named_and_stays(publish: Path, tmp_path: Path) -> None:
    path = tmp_path / "kestrel.sock"
    path.mkdir()

    assert refusal(publish, path) == f"{path} is a directory. Move it away, or set another Socket:Path.\n"
    assert path.is_dir()


def test_a_link_to_something_else_is_named_and_stays(publish: Path, tmp_path: Path) -> None:
    path = tmp_path / "kestrel.sock"
    path.symlink_to("/etc/hosts")

    assert refusal(publish, path).startswith(f"{path} is a link to /etc/hosts. Move it away")
    assert path.readlink() == Path("/etc/hosts")


def test_a_directory_that_is_not_there_is_not_made(publish: Path, tmp_path: Path) -> None:
    path = tmp_path / "absent" / "kestrel.sock"

    assert refusal(publish, path).startswith(f"{path.parent} does not exist: create it, or mount the socket's volume")
    assert not path.parent.exists()


def test_a_path_that_is_too_long_for_a_socket_is_named(publish: Path, tmp_path: Path) -> None:
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
def test_a_directory_without_the_right_to_write_is_named(publish: Path, options: str) -> None:
    line = refusal(publish, SOCKET, f"--tmpfs=/tmp/myapp:{options}")

    assert line.startswith("/tmp/myapp is not writable for the user app: ")
    assert "docker compose down --volumes" in line


def test_a_read_only_directory_is_named(publish: Path) -> None:
    line = refusal(publish, SOCKET, "--tmpfs=/tmp/myapp:uid=1654,gid=1654,mode=0710,ro")

    assert line.startswith("/tmp/myapp is read-only: ")


@pytest.mark.parametrize("room", [1, 2, 3])  # the directory itself, the lock, the socket; the link is then too much
def test_a_volume_without_room_for_another_name_is_named(publish: Path, room: int) -> None:
    line = refusal(publish, SOCKET, f"--tmpfs=/tmp/myapp:uid=1654,gid=1654,mode=0710,nr_inodes={room}")

    assert line.startswith("/tmp/myapp is full: " if room != 2 else f"Cannot bind {SOCKET}. Is /tmp/myapp full?")
