"""A generated project and the stack that Compose makes of it."""

import json
import os
import random
import re
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tests.testkit.process import eventually, run
from uds_stack.generate.first_image import DOCKERFILE

# Chromium's options for a page that nobody looks at.
HEADLESS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")

# Below those that the kernel gives to connections, which could take one before its container starts.
PORTS = range(20000, 32000)
_taken: set[int] = set()

# pytest-xdist numbers its workers; a run without it is the one worker.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))

PROGRAMS = "debian:bookworm-slim"  # an image with ls, cat, stat and the like
ROOT = "/proc/1/root"  # the files of a container, for what runs beside it


def free_port() -> int:
    """Return a port of 127.0.0.1 that is not in use, for TCP nor for UDP, and was not returned before in this run."""
    ours = PORTS[int(WORKER.removeprefix("gw")) :: _WORKERS]
    port = next(port for port in random.sample(ours, len(ours)) if port not in _taken and port_is_free(port))
    _taken.add(port)
    return port


def port_is_free(port: int) -> bool:
    """Return whether a container can be published on this port of 127.0.0.1, for TCP and for UDP."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            for one in (tcp, udp):
                one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass(frozen=True)
class Response:
    """A complete HTTP response."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Project:
    """A generated project and the stack that Compose makes of it."""

    root: Path
    environment: Mapping[str, str]

    @property
    def slug(self) -> str:
        """The project's slug."""
        return self.root.name

    @property
    def url(self) -> str:
        """The URL of the proxy on this host."""
        return f"http://localhost:{self.environment['HTTP_PORT']}"

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `docker compose` in the project."""
        return run("docker", "compose", *arguments, cwd=self.root, env=self.environment, check=check)

    @property
    def image(self) -> str:
        """The name of the app's image."""
        return f"{self.environment['COMPOSE_PROJECT_NAME']}-app"

    def make_image(self) -> None:
        """Build the app's image from ./publish, if there is one, as the hook does; one that is not of this is kept."""
        publish, made_from = self.root / "publish", "uds-stack.tests.publish"
        inspect = ("docker", "image", "inspect", self.image)
        found = run(*inspect, "--format", "{{json .Config.Labels}}", env=self.environment, check=False)
        labels = json.loads(found.stdout) or {} if found.returncode == 0 else {made_from: ""}
        if not publish.is_dir() or labels.get(made_from, str(publish)) == str(publish):
            return
        # As in compose.publish.yaml, which runs ./publish without an image.
        settings = (self.root / "compose.publish.yaml").read_text()
        base, command = (re.findall(rf"^ +{key}: (.+)", settings, re.MULTILINE)[0] for key in ("image", "command"))
        words = json.dumps(command.strip("[]").split(", "))
        inline = DOCKERFILE.format(base=base, command=words)
        build = {"context": "publish", "dockerfile_inline": inline, "labels": {made_from: str(publish)}}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump({"services": {"app": {"build": build}}}, file)
            file.flush()
            self.compose("--file", "compose.yaml", "--file", file.name, "build", "--quiet", "app")

    def up(self) -> subprocess.CompletedProcess[str]:
        """Start the stack and wait until it is healthy; fail with its log otherwise."""
        self.make_image()
        done = self.compose("up", "--detach", "--wait", check=False)
        assert done.returncode == 0, done.stderr + self.compose("logs").stdout
        return done

    def recover(self) -> None:
        """Start what a test has stopped, and wait until all of it is healthy, whatever the test did."""
        # Compose gives up at once where the proxy is unhealthy still, because its app was away.
        up = ("up", "--detach", "--wait")
        eventually(lambda: self.compose(*up, check=False).returncode == 0, "a healthy stack", within=120)

    def inside(self, service: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in a service's container, as the container's user."""
        return self.compose("exec", "--no-TTY", service, *command, check=check)

    def beside(self, service: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program beside a service's container, as `run_beside` does."""
        return run_beside(self.compose("ps", "--quiet", service).stdout.split()[0], *command, check=check)

    def inspect(self, service: str) -> dict[str, Any]:
        """Return `docker inspect` of a service's container."""
        container = self.compose("ps", "--quiet", service).stdout.split()[0]
        found: list[dict[str, Any]] = json.loads(run("docker", "inspect", container).stdout)
        return found[0]

    def get(self, path: str = "/", headers: Mapping[str, str] | None = None) -> Response:
        """Send a GET request to the proxy and return its response, whatever its status."""
        request = urllib.request.Request(self.url + path, headers=dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return Response(answer.status, dict(answer.headers), answer.read().decode())
        except urllib.error.HTTPError as answer:
            return Response(answer.code, dict(answer.headers), answer.read().decode())

    def page(self) -> Response:
        """Return the page, whatever its status; status 0 and no text where nothing answers."""
        try:
            return self.get()
        except OSError:
            return Response(0, {}, "")

    def remove(self) -> None:
        """Remove the stack's containers, at once, and its network, volumes and images."""
        self.compose("down", "--timeout", "0", "--volumes", "--remove-orphans", "--rmi", "local", check=False)


class Removable(Protocol):
    """A stack that can be removed."""

    def remove(self) -> None:
        """Remove all that is left of it, whatever its state."""


R = TypeVar("R", bound=Removable)


@contextmanager
def running(stack: R, start: Callable[[], object]) -> Iterator[R]:
    """Start a stack, and remove it at the end of the block, or where it does not start."""
    try:
        start()
        yield stack
    finally:
        stack.remove()


def run_beside(container: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program of PROGRAMS, as a container's user, with its processes and its network; its files are in ROOT.

    An app that is compiled ahead of time runs in an image without any program.
    """
    user = run("docker", "inspect", "--format", "{{.Config.User}}", container).stdout.strip()
    # The kernel shows the files of a process only to who has no fewer rights than it.
    rights = (f"--user={user}", "--cap-drop=ALL", "--security-opt=no-new-privileges")
    spaces = (f"--pid=container:{container}", f"--network=container:{container}")
    return run("docker", "run", "--rm", *rights, *spaces, PROGRAMS, *command, check=check)


def name_https_port(root: Path, port: str) -> None:
    """Write the published port for https into a project's nginx.conf, which names it too; others take it from .env."""
    conf = root / "nginx/nginx.conf"
    if conf.exists():
        conf.write_text(conf.read_text().replace("default 8443;", f"default {port};"))


def project(root: Path, compose_name: str, http_port: int | None = None) -> Project:
    """Return the project in `root`, under this Compose name and on a free port, apart from a running demo."""
    return Project(root, {"COMPOSE_PROJECT_NAME": compose_name, "HTTP_PORT": str(http_port or free_port())})
