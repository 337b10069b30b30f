"""Build the app's first image from ./publish, so that `docker compose up` has a page in seconds.

Compose itself builds it, with another Dockerfile than the project's: so it has the name and the labels that Compose
looks for, and `docker compose up --build` replaces it by one from source. Whatever goes wrong here, the project works:
without the image, the first `docker compose up` builds one.
"""

from __future__ import annotations

import contextlib
import json
import platform
import time
from pathlib import Path
from typing import Any

from uds_stack.generate import console, signals
from uds_stack.generate.publish import find_causes
from uds_stack.process import Program, Result

ENGINE_LIMIT = 10.0  # seconds for the engine to answer
PULL_LIMIT = 180.0
BUILD_LIMIT = 60.0
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # the engine's names for those of this machine

DOCKERFILE = """\
FROM {base}
WORKDIR /app
COPY . ./
USER 1654:1654
ENTRYPOINT {command}
"""


class NoImageError(Exception):
    """There is no first image. The message is one line that says why."""


class FirstImage:
    """The app's first image."""

    def __init__(self, project: Path, base: str, command: list[str], *, limit: float, native: bool = False) -> None:
        """Take the project's folder, the base image, the command that starts the app, and the seconds for one step.

        With `native` the app is compiled ahead of time, for this machine's processor.
        """
        self._project, self._base, self._command = project, base, command
        self._limit, self._native = limit, native
        self._program: Program | None = None

    def build(self) -> str:
        """Build the image from ./publish; return its name. Raises NoImageError where that is not possible.

        An image of that name is replaced, unless containers of another folder belong to the same Compose project:
        Compose tells projects by their names alone. At Ctrl-C, the program that runs is ended.
        """
        try:
            self._require_engine()
            name, image = self._names()
            self._refuse_other_folder(name, image)
            self._provide_base()
            replaced = self._id_of(image)
            begin = time.monotonic()
            self._compose("build", "--quiet", "app", limit=BUILD_LIMIT)
            console.say(f"Built the image {image} from ./publish in {time.monotonic() - begin:.1f} s.")
            if replaced and replaced != self._id_of(image):
                console.say(f"It replaces an older one of that name, {replaced.removeprefix('sha256:')[:12]}.")
            return image
        except OSError as error:
            raise NoImageError(f"docker could not be started: {error.strerror}") from None
        except (ValueError, LookupError):
            raise NoImageError("`docker compose config` printed no model of this project") from None
        finally:
            if self._program and not self._program.wait(0):
                self._program.end(at_once=True)
                self._program.wait(1)

    def _require_engine(self) -> None:
        """Refuse an engine that does not answer, or could not run what was published."""
        asked = self._run("docker", "version", "--format", "{{.Server.Os}} {{.Server.Arch}}", limit=ENGINE_LIMIT)
        system, _, processor = asked.out.strip().partition(" ")
        if asked.problem or not processor:
            raise NoImageError("the Docker engine does not answer")
        ours = platform.machine()
        if system != "linux" or (self._native and processor != ARCHITECTURES.get(ours, ours)):
            raise NoImageError(f"the app is for linux {ours}, and the Docker engine runs {system} {processor}")

    def _names(self) -> tuple[str, str]:
        """Return the names that Compose gives to the project and to the app's image."""
        model: dict[str, Any] = json.loads(self._compose("config", "--format", "json", limit=ENGINE_LIMIT).out)
        return model["name"], model["services"]["app"].get("image") or f"{model['name']}-app"

    def _refuse_other_folder(self, name: str, image: str) -> None:
        """Refuse to replace the image of a Compose project that has containers and is not this folder's."""
        only = f"--filter=label=com.docker.compose.project={name}"
        folder = '{{.Label "com.docker.compose.project.working_dir"}}'
        for other in self._must("docker", "ps", "--all", only, f"--format={folder}").out.splitlines():
            if not _is_same(Path(other), self._project):
                raise NoImageError(
                    f"the containers of {other} have the Compose name {name} too, and their image is {image}: "
                    f"`docker compose up` here would replace them; remove them, or change `name` in compose.yaml first"
                )

    def _provide_base(self) -> None:
        """Pull the base image if it is missing."""
        if self._id_of(self._base):
            return
        console.say(f"Pulling {self._base} (at most {min(PULL_LIMIT, self._limit):g} s)")
        self._must("docker", "pull", "--quiet", self._base, limit=PULL_LIMIT)

    def _id_of(self, image: str) -> str:
        """Return an image's id; nothing where it is not there."""
        return self._run("docker", "image", "inspect", "--format", "{{.Id}}", image, limit=ENGINE_LIMIT).out.strip()

    def _compose(self, *words: str, limit: float) -> Result:
        """Run Compose on compose.yaml, with the first image's own Dockerfile."""
        dockerfile = DOCKERFILE.format(base=self._base, command=json.dumps(self._command))
        # Laid over compose.yaml. JSON is YAML, and quotes every value.
        over = {"services": {"app": {"build": {"context": "publish", "dockerfile_inline": dockerfile}}}}
        return self._must(
            *("docker", "compose", "--file", "compose.yaml", "--file", "-", *words), limit=limit, given=json.dumps(over)
        )

    def _must(self, *command: str, limit: float = ENGINE_LIMIT, given: str = "") -> Result:
        """Run a program that has to succeed."""
        result = self._run(*command, limit=limit, given=given)
        if result.problem:
            causes = "; ".join(find_causes(result.err or result.out)[:1])
            raise NoImageError(f"`{' '.join(command[:2])}` {result.problem}" + (f": {causes}" if causes else ""))
        return result

    def _run(self, *command: str, limit: float, given: str = "") -> Result:
        """Run a program in the project's folder. Raises NoImageError where it takes too long."""
        limit = min(limit, self._limit)
        with signals.deferred():
            self._program = Program(command, self._project, given=given)
        if not self._program.wait(limit):
            raise NoImageError(f"`{' '.join(command[:2])}` was ended because it took longer than {limit:g} s")
        return self._program.result()


def _is_same(folder: Path, other: Path) -> bool:
    """Return whether two paths lead to the same folder."""
    with contextlib.suppress(OSError):
        return folder.samefile(other)
    return False
