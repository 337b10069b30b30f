"""Several instances of the app and one directory: what one leaves behind, and what it must leave alone."""

import fcntl
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.testkit.app import App, Caller, names, running
from tests.testkit.process import eventually

pytestmark = pytest.mark.engine

ONE_SERVES = ["instance", "kestrel.sock", "kestrel.sock.lock"]
NONE_SERVES = ["kestrel.sock.lock"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The socket's public path."""
    return tmp_path / "kestrel.sock"


def answers(app: App) -> bool:
    """Whether the page comes over the public path."""
    caller = Caller(app)
    caller.request("GET", "/", headers={"Connection": "close"})
    return caller.getresponse().read() == b"Hello World!"


@contextmanager
def at_the_gate(path: Path) -> Iterator[None]:
    """Be the one who changes names in the directory, as an instance is that binds its own."""
    with Path(f"{path}.lock").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield


def test_what_killed_instances_left_neither_blocks_a_start_nor_piles_up(publish: Path, path: Path) -> None:
    for _ in range(5):
        with running(publish, path) as app:
            app.process.kill()
    assert names(path.parent) == ONE_SERVES  # of the last one, which is dead

    with running(publish, path) as app:
        assert answers(app)
        assert names(path.parent) == ONE_SERVES

        app.stop()
        assert app.exit_code() == 0
    assert names(path.parent) == NONE_SERVES


def test_one_that_was_killed_between_its_steps_is_cleared_away_too(publish: Path, path: Path) -> None:
    dead = Path(f"{path}.0123abcd")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(dead))
    Path(f"{path}.0123abcd.new").symlink_to(dead.name)  # the link, before it was renamed over the path
    path.symlink_to(dead.name)

    with running(publish, path) as app:
        assert answers(app)
        assert names(path.parent) == ONE_SERVES


def test_the_socket_of_an_instance_that_is_starting_is_not_removed_by_another(publish: Path, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as starting:
        with at_the_gate(path):
            starting.bind(f"{path}.0123abcd")  # bound and not listening: it refuses connections, as a dead one does
            # Another waits at the gate for five seconds, in case that who holds it is frozen; then it removes nothing.
            with running(publish, path) as app:
                assert answers(app)
                assert Path(f"{path}.0123abcd").exists()
        starting.listen()
        with running(publish, path) as app:
            assert answers(app)
            assert Path(f"{path}.0123abcd").exists()


def test_files_that_are_no_instances_are_left_alone(publish: Path, path: Path) -> None:
    others = [Path(f"{path}.{end}") for end in ("bak", "20240131", "20240131.new", "0123ABCD", "0123abcd.old")]
    for other in others:
        other.write_text("somebody's")

    with running(publish, path) as app:
        assert answers(app)

    assert [other.read_text() for other in others] == ["somebody's"] * len(others)


def test_an_old_instance_that_stops_late_leaves_the_new_ones_socket(publish: Path, path: Path) -> None:
    with running(publish, path, Socket__DrainTimeout="00:00:02") as old:
        held = old.connect()
        with running(publish, path) as new:
            old.process.send_signal(signal.SIGTERM)
            assert answers(new)
            assert old.exit_code() == 0

            assert answers(new)
            assert names(path.parent) == ONE_SERVES
        held.close()


def test_an_old_instance_that_is_killed_leaves_the_new_ones_socket(publish: Path, path: Path) -> None:
    with running(publish, path) as old, running(publish, path) as new:
        old.process.kill()
        old.exit_code()

        assert answers(new)


def test_an_instance_takes_the_path_back_when_the_one_that_took_it_is_killed(publish: Path, path: Path) -> None:
    with running(publish, path) as old:
        before = path.readlink()
        with running(publish, path) as new:
            new.process.kill()
            eventually(lambda: path.readlink() == before, "the path leading to the old instance again")

        assert answers(old)
        old.stop()
        assert old.exit_code() == 0


def test_an_instance_takes_the_path_back_when_it_leads_to_a_name_that_is_gone(publish: Path, path: Path) -> None:
    """The next one that starts removes the name of one that was killed, and may not become healthy itself."""
    with running(publish, path) as app:
        before = path.readlink()
        path.unlink()
        path.symlink_to("kestrel.sock.deadbeef")

        eventually(lambda: path.readlink() == before, "the path leading to the instance again")
        assert answers(app)


def test_an_instance_that_never_becomes_healthy_never_takes_the_path(publish: Path, path: Path) -> None:
    with running(publish, path) as old:
        before = path.readlink()
        # Its own /healthz answers 400, since it knows no host of the name that it asks for.
        with running(publish, path, serves=False, AllowedHosts="example.org") as sick:
            sick.process.send_signal(signal.SIGTERM)
            assert sick.exit_code() == 0

        assert path.readlink() == before
        assert answers(old)
