"""A project to deploy again and again, and load on it that checks every answer."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.testkit.bake import copy_project, edit
from tests.testkit.command import UDS_STACK
from tests.testkit.load import Visitors
from tests.testkit.process import eventually, run
from tests.testkit.stack import Project, project


@dataclass(frozen=True)
class Site:
    """A project that is served and deployed."""

    project: Project
    proxy: str = "h2o"  # its service

    def spare_the_compiler(self) -> None:
        """Let the image be built from ./publish with the settings of the sources: a compilation takes longer."""
        dockerfile = self.root / "Dockerfile"
        build, _, last_stage = dockerfile.read_text().rpartition("\nFROM ")
        assert "dotnet publish" in build
        dockerfile.write_text(f"FROM {last_stage}")
        edit(dockerfile, "COPY --from=build /publish ./\n", f"COPY publish/ src/{self.root.name}/appsettings.json ./\n")
        edit(self.root / ".dockerignore", "!src/\n", "!src/\n!publish/\n")

    @contextmanager
    def compiling(self, dockerfile: str) -> Iterator[None]:
        """Build the image by this Dockerfile, which compiles the sources, until the end of the block."""
        path = self.root / "Dockerfile"
        quick = path.read_text()
        path.write_text(dockerfile)
        try:
            yield
        finally:
            path.write_text(quick)

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.project.root

    @property
    def program(self) -> Path:
        """Program.cs."""
        return self.root / "src" / "myapp" / "Program.cs"

    def set(self, page: str = "", fault: str = "") -> None:
        """Make a new version of the sources: what its page says, and what is wrong with it."""
        settings = self.root / "src" / "myapp" / "appsettings.json"
        settings.write_text(json.dumps({**json.loads(settings.read_text()), "Page": page, "Fault": fault}))

    def command(self, *arguments: str) -> list[str]:
        """The command under test; it watches a new version shortly, where the test does not say otherwise."""
        watch = [] if "reload" in arguments or "--watch" in arguments else ["--watch", "1"]
        return [*UDS_STACK, *arguments, "--project", str(self.root), *watch]

    def uds_stack(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run it to its end, from another folder."""
        done = run(*self.command(*arguments), cwd=Path("/"), env=self.project.environment, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    @contextmanager
    def deploying(self, until: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start it and wait until it says that it has come to a step."""
        with subprocess.Popen(
            self.command("deploy", *arguments),
            env={**os.environ, **self.project.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout
            try:
                seen = []
                for line in process.stdout:
                    seen.append(line)
                    if until in line:
                        break
                else:
                    raise AssertionError(f"it never said {until!r}:\n{''.join(seen)}")
                yield process
            finally:
                process.kill()

    def run_again(self) -> None:
        """Run it after one was killed, as soon as what that one had started has come to its end."""
        deadline = time.monotonic() + 60
        while True:
            done = run(*self.command("deploy"), env=self.project.environment, check=False)
            if "another uds-stack" not in done.stderr or time.monotonic() > deadline:
                assert done.returncode == 0, done.stdout + done.stderr
                return

    def containers(self, service: str = "app") -> list[str]:
        """The ids of a service's containers, whatever their state."""
        return self.project.compose("ps", "--all", "--quiet", service).stdout.split()

    def tidy(self) -> bool:
        """Whether nothing is left of a run but the version and the one before."""
        tags = run("docker", "image", "ls", "--filter", f"reference={self.project.image}:of-*", "--quiet").stdout
        return not tags and len(self.containers()) == 1

    def remove(self) -> None:
        """Remove the stack and every version of its image."""
        self.project.remove()
        for tag in self.images():
            run("docker", "image", "rm", f"{self.project.image}:{tag}", check=False)

    @contextmanager
    def loaded(self) -> Iterator[Visitors]:
        """Ask for pages until the end of the block: six connections, and one for slow pages."""
        with Visitors(int(self.project.environment["HTTP_PORT"]), 6, slow=1, pages=None) as visitors:
            eventually(lambda: visitors.started, "an answer on each connection")
            yield visitors

    def images(self) -> dict[str, str]:
        """The ids behind the tags of the app's image."""
        listing = ("docker", "image", "ls", "--no-trunc", "--format", "{{.Tag}} {{.ID}}", self.project.image)
        return dict(line.split() for line in run(*listing).stdout.splitlines())


def get(connection: http.client.HTTPConnection) -> bool:
    """Ask for the page."""
    connection.request("GET", "/")
    answer = connection.getresponse()
    return bool(answer.read()) and answer.status == 200


def make_site(project_with_pages: Path, root: Path, name: str) -> Site:
    """Copy the project, which has been published; remove what a killed test run left under its name."""
    copy_project(project_with_pages, root)
    site = Site(project(root, name))
    site.remove()
    site.set("first")
    return site


def interrupt(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """Send a signal, and return what it still says."""
    process.send_signal(number)
    out, _ = process.communicate(timeout=120)
    return out
