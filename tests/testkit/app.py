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

from tests.testkit.faults import IMAGE
from tests.testkit.process import eventually

NATIVE_IMAGE = "mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled"  # for an app that is compiled ahead of time

PUBLISHED = "now leads to"
UNHEALTHY = "stays as it is until this instance is healthy"


@dataclass(frozen=True)
class App:
    """A running app, the public path of its socket and the line of its log that was waited for."""

    process: "subprocess.Popen[str]"
    path: Path
    line: str

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


def command(publish: Path, *arguments: str) -> list[str]:
    """Return the command line of the app in ./publish of a project."""
    slug = publish.parent.name
    return [*(["dotnet", f"{slug}.dll"] if (publish / f"{slug}.dll").exists() else [f"./{slug}"]), *arguments]


def socket_command(publish: Path, name: str) -> list[str]:
    """Return the command line of `health`, `serves` or `take-over` beside that app, as compose.yaml has it."""
    program = ["dotnet", "UnixSocket.dll"] if (publish / "UnixSocket.dll").exists() else command(publish)
    return [*program, name]


def image(publish: Path) -> str:
    """Return the official image in which it runs."""
    return IMAGE if command(publish)[0] == "dotnet" else NATIVE_IMAGE


@contextmanager
def running(publish: Path, path: Path, *, until: str = PUBLISHED, **settings: str) -> Iterator[App]:
    """Run the app on a socket of this host during the block; first wait until it logs `until`."""
    private = path.parent / "private" / str(len(list(path.parent.glob("private/*"))))  # a container's own /tmp
    private.mkdir(parents=True)
    with subprocess.Popen(
        command(publish),
        cwd=publish,
        env={**os.environ, "Socket__Path": str(path), "TMPDIR": str(private), **settings},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            line = next((line for line in process.stdout if until in line), None)
            assert line, f"the app never logged: {until}"
            yield App(process, path, line)
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
