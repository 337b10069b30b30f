"""The app as a process of this host, for tests that need no container."""

import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.testkit.process import eventually


@dataclass(frozen=True)
class App:
    """A running app and the public path of its socket."""

    process: "subprocess.Popen[str]"
    path: Path

    def connect(self) -> socket.socket:
        """Connect to the public path, as H2O does."""
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(30)
        client.connect(str(self.path))
        return client

    def stop(self) -> None:
        """Send SIGTERM and wait until the app has removed the public path."""
        self.process.send_signal(signal.SIGTERM)
        eventually(lambda: not self.path.is_symlink(), "the withdrawal of the path")

    def exit_code(self) -> int:
        """Wait until the process ends, and return its exit code."""
        return self.process.wait(timeout=60)


@contextmanager
def running(publish: Path, path: Path, *, serves: bool = True, **settings: str) -> Iterator[App]:
    """Run the app on a socket of this host during the block; with `serves`, first wait until the path leads to it."""
    private = path.parent / "private" / str(len(list(path.parent.glob("private/*"))))  # a container's own /tmp
    private.mkdir(parents=True)
    with subprocess.Popen(
        ["dotnet", next(publish.glob("*.runtimeconfig.json")).name.replace(".runtimeconfig.json", ".dll")],
        cwd=publish,
        env={**os.environ, "Socket__Path": str(path), "TMPDIR": str(private), **settings},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            logged = "now leads to" if serves else "stays as it is until this instance is healthy"
            assert any(logged in line for line in process.stdout), f"the app never said that {path} {logged}"
            yield App(process, path)
        finally:
            process.kill()
            process.stdout.close()


def names(directory: Path) -> list[str]:
    """Return the names in a socket's directory, with `instance` for the random name of each instance."""
    found = [entry.name for entry in directory.iterdir() if entry.name != "private"]
    return sorted("instance" if len(name) == len("kestrel.sock.01234567") else name for name in found)


class Caller(http.client.HTTPConnection):
    """An HTTP connection over the app's socket."""

    def __init__(self, app: App) -> None:
        super().__init__("localhost", timeout=30)
        self._app = app

    def connect(self) -> None:
        """Connect to the public path."""
        self.sock = self._app.connect()
