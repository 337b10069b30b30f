"""A project with pages for faults, the processes of its stack, and its app as a process without a container."""

import http.client
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support import Project, copy_project, edit, eventually, run

IMAGE = "mcr.microsoft.com/dotnet/aspnet:10.0"


def add_pages(source: Path, root: Path) -> Path:
    """Copy a generated project and give its app the pages of Endpoints.cs."""
    copy_project(source, root)
    app = root / "src" / root.name
    (app / "Endpoints.cs").write_text((Path(__file__).parent / "Endpoints.cs").read_text())
    edit(app / "Program.cs", "\napp.Run();", "\napp.MapFaults();\napp.Run();")
    run("dotnet", "publish", app, "--configuration", "Release", "--output", root / "publish", cwd=root)
    return root


# ---- The stack's processes ----


def state(stack: Project, service: str) -> dict[str, object]:
    """What the engine says about a service's container: State, RestartCount and more."""
    container = stack.compose("ps", "--all", "--quiet", service).stdout.split()[0]
    found: list[dict[str, object]] = json.loads(run("docker", "inspect", container).stdout)
    return found[0]


def status(stack: Project, service: str) -> str:
    """One of the engine's words: running, restarting, exited."""
    return str(state(stack, service)["State"]["Status"])  # type: ignore[index]


def restarts(stack: Project, service: str) -> int:
    """How often the engine has restarted a service's container."""
    return int(str(state(stack, service)["RestartCount"]))


def main_process(stack: Project, service: str) -> int:
    """The process that is number 1 in a service's container: the app, H2O's master."""
    return int(state(stack, service)["State"]["Pid"])  # type: ignore[index]


def workers(stack: Project) -> list[int]:
    """The children of H2O's master: those who answer."""
    container = str(state(stack, "h2o")["Id"])
    rows = run("docker", "top", container, "-eo", "pid,ppid").stdout.splitlines()[1:]
    master = main_process(stack, "h2o")
    return [int(pid) for pid, parent in map(str.split, rows) if int(parent) == master]


def send(signal_: signal.Signals, *processes: int) -> None:
    """Signal processes of containers, all at once, as the kernel would: the engine does not know why they end.

    (After a `docker kill` it would not restart them.) From a container beside them, so it takes no rights on this host.
    """
    rights = ("--pid=host", "--network=none", "--user=0", "--cap-drop=ALL", "--cap-add=KILL", "--entrypoint=/bin/sh")
    kill = f"kill -{signal_.name[3:]} {' '.join(map(str, processes))}"
    run("docker", "run", "--rm", *rights, IMAGE, "-c", kill)


# ---- The app as a process of this host: what happens at its socket needs no container ----


@dataclass(frozen=True)
class App:
    """A running app and the directory of its socket."""

    process: "subprocess.Popen[str]"
    path: Path

    def connect(self) -> socket.socket:
        """Connect to the public path, as H2O does."""
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(30)
        client.connect(str(self.path))
        return client

    def stop(self) -> None:
        """Send SIGTERM and wait until the app has begun to stop: it has taken the public path away."""
        self.process.send_signal(signal.SIGTERM)
        eventually(lambda: not self.path.is_symlink(), "the withdrawal of the path")

    def exit_code(self) -> int:
        """Wait for the end."""
        return self.process.wait(timeout=60)


@contextmanager
def running(publish: Path, path: Path, *, serves: bool = True, **settings: str) -> Iterator[App]:
    """The app on a socket of this host, until the end of the block; first the path leads to it, if it `serves`."""
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
    """What lies in a socket's directory, the random part of an instance's name left out."""
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
