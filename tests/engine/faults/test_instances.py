"""Several instances of the app and one directory: what one leaves behind, and what it must leave alone."""

import contextlib
import fcntl
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.testkit.app import PUBLISHED, UNHEALTHY, App, Caller, names, running
from tests.testkit.process import eventually

pytestmark = [pytest.mark.engine, pytest.mark.native]

ONE_SERVES = ["instance", "kestrel.sock", "kestrel.sock.lock"]
NONE_SERVES = ["kestrel.sock.lock"]

HANDOVERS = 15


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
def asking_on_new_connections(app: App) -> Iterator[list[bool]]:
    """Send requests without a pause, each on a connection of its own; list whether each had a good answer."""
    answered: list[bool] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            with app.connect() as client, contextlib.suppress(ConnectionError):
                client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answered.append(False)
                answered[-1] = client.recv(65536).startswith(b"HTTP/1.1 200")

    with ThreadPoolExecutor() as pool:
        asking = pool.submit(ask)
        try:
            yield answered
        finally:
            stop.set()
    asking.result()


@contextmanager
def at_the_gate(path: Path) -> Iterator[None]:
    """Be the one who changes names in the directory, as an instance is that binds its own."""
    with Path(f"{path}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_start_removes_sockets_of_killed_instances(publish: Path, path: Path) -> None:
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


def test_start_removes_half_published_instance(publish: Path, path: Path) -> None:
    dead = Path(f"{path}.0123abcd")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(dead))
    Path(f"{path}.0123abcd.new").symlink_to(dead.name)  # the link, before it was renamed over the path
    path.symlink_to(dead.name)

    with running(publish, path) as app:
        assert answers(app)
        assert names(path.parent) == ONE_SERVES


def test_start_keeps_socket_of_starting_instance(publish: Path, path: Path) -> None:
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


def test_start_keeps_files_of_others(publish: Path, path: Path) -> None:
    others = [Path(f"{path}.{end}") for end in ("bak", "20240131", "20240131.new", "0123ABCD", "0123abcd.old")]
    for other in others:
        other.write_text("somebody's")

    with running(publish, path) as app:
        assert answers(app)

    assert [other.read_text() for other in others] == ["somebody's"] * len(others)


def test_stop_of_old_instance_keeps_socket_of_new_one(publish: Path, path: Path) -> None:
    with running(publish, path, Socket__DrainTimeout="00:00:02") as old:
        held = old.connect()
        with running(publish, path) as new:
            old.process.send_signal(signal.SIGTERM)
            assert answers(new)
            assert old.exit_code() == 0

            assert answers(new)
            assert names(path.parent) == ONE_SERVES
        held.close()


def test_kill_of_old_instance_keeps_socket_of_new_one(publish: Path, path: Path) -> None:
    with running(publish, path) as old, running(publish, path) as new:
        old.process.kill()
        old.exit_code()

        assert answers(new)


def test_watch_takes_path_back_from_killed_instance(publish: Path, path: Path) -> None:
    with running(publish, path) as old:
        before = path.readlink()
        with running(publish, path) as new:
            new.process.kill()
            eventually(lambda: path.readlink() == before, "the path leading to the old instance again")

        assert answers(old)
        old.stop()
        assert old.exit_code() == 0


def test_watch_takes_path_that_leads_nowhere(publish: Path, path: Path) -> None:
    """The next one that starts removes the name of one that was killed, and may not become healthy itself."""
    with running(publish, path) as app:
        before = path.readlink()
        path.unlink()
        path.symlink_to("kestrel.sock.deadbeef")

        eventually(lambda: path.readlink() == before, "the path leading to the instance again")
        assert answers(app)


def test_unhealthy_instance_never_takes_path(publish: Path, path: Path) -> None:
    with running(publish, path) as old:
        before = path.readlink()
        with running(publish, path, until=UNHEALTHY, Faults__HealthStatus="503") as sick:
            sick.process.send_signal(signal.SIGTERM)
            assert sick.exit_code() == 0

        assert path.readlink() == before
        assert answers(old)


def test_watch_retries_after_io_error(publish: Path, path: Path) -> None:
    with running(publish, path) as app:
        before, lock = path.readlink(), Path(f"{path}.lock")
        lock.unlink()
        lock.symlink_to("absent/lock")  # nobody can open it
        path.unlink()
        path.symlink_to("kestrel.sock.deadbeef")
        assert app.process.stdout
        assert any("publishing failed; trying again" in line for line in app.process.stdout)

        lock.unlink()

        eventually(lambda: path.readlink() == before, "the path leading to the instance again")
        assert answers(app)


def test_stop_asks_other_instances_without_the_lock(publish: Path, path: Path) -> None:
    with running(publish, path) as app, socket.socket(socket.AF_UNIX) as frozen:
        frozen.bind(f"{path}.0123abcd")
        frozen.listen()
        frozen.settimeout(30)

        app.process.send_signal(signal.SIGTERM)

        asking = frozen.accept()[0]
        with asking, Path(f"{path}.lock").open("w") as lock:
            assert asking.recv(100).startswith(b"GET /healthz ")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert app.exit_code() == 0


def test_stop_during_health_check_leaves_no_record(publish: Path, path: Path) -> None:
    with running(publish, path, until="planned: a health check is under way", Faults__HealthDelay="1") as app:
        app.process.send_signal(signal.SIGTERM)

        assert app.exit_code() == 0
        assert not list(path.parent.glob("private/*/*.instance"))
        assert names(path.parent) == NONE_SERVES


def test_second_use_of_the_defaults_changes_nothing(publish: Path, path: Path) -> None:
    with running(publish, path, Faults__Twice="true") as app:
        assert answers(app)
        app.stop()
        assert app.exit_code() == 0
        assert app.process.stdout
        assert not [line for line in app.process.stdout if PUBLISHED in line]  # once, for which `running` waited


def test_stop_of_instances_together_leaves_no_path(publish: Path, path: Path) -> None:
    with running(publish, path) as old, running(publish, path) as new:
        own_name_of_old = next(
            entry for entry in path.parent.glob("kestrel.sock.????????") if entry.name != path.readlink().name
        )
        with socket.socket(socket.AF_UNIX) as busy:
            busy.connect(str(own_name_of_old))
            busy.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert busy.recv(12) == b"HTTP/1.1 200"
            old.process.send_signal(signal.SIGTERM)  # the old one waits for `busy`
            eventually(
                lambda: not (path.parent / "private/0/UnixSocket.instance").exists(),
                "the withdrawal of the old instance",
            )
            new.process.send_signal(signal.SIGTERM)  # and is healthy as the new one withdraws
            eventually(lambda: not path.is_symlink() or path.readlink().name == own_name_of_old.name, "the withdrawal")
        assert (old.exit_code(), new.exit_code()) == (0, 0)

    assert names(path.parent) == NONE_SERVES


def test_stop_loses_no_request_on_new_connections(publish: Path, path: Path) -> None:
    with running(publish, path) as old, asking_on_new_connections(old) as answered:
        for _ in range(HANDOVERS):
            with running(publish, path) as new:
                new.process.send_signal(signal.SIGTERM)  # which leaves the path to the old one
                assert new.exit_code() == 0

    assert len(answered) > 100 * HANDOVERS
    assert all(answered), f"{answered.count(False)} of {len(answered)} requests were lost"
