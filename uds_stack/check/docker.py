"""Ask Docker and Compose on this machine."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from functools import cached_property

from uds_stack.check.model import Mount
from uds_stack.check.question import Answer, Questions


class Docker:
    """The questions to Docker and Compose on this machine."""

    def __init__(self, questions: Questions) -> None:
        """Take what asks them."""
        self._ask, self._find = questions.ask, questions.find
        self._numbers = itertools.count()

    @cached_property
    def installed(self) -> bool:
        """Whether the command `docker` is there."""
        return self._find("docker")

    @cached_property
    def engine(self) -> Answer | None:
        """The version of the engine, in `docker version`."""
        return self._ask("docker", "version") if self.installed else None

    @cached_property
    def compose(self) -> Answer | None:
        """The version of Compose."""
        return self._ask("docker", "compose", "version", "--short") if self.installed else None

    @cached_property
    def no_compose(self) -> str:
        """Why Compose cannot be asked; empty where it can."""
        if not self.compose:
            return "Docker is not installed"
        if self.compose.failure or self.compose.result.code > 0:
            return f"Docker has no Compose ({self.compose.failure or self.compose.complaint})"
        return ""

    def resolve(self, *files: str) -> Answer:
        """Ask Compose for the model of these files, or of those that it finds by itself."""
        named = [word for file in files for word in ("--file", file)]
        return self._ask("docker", "compose", "--profile", "*", *named, "config", "--format", "json")

    def inspect(self, kind: str, name: str) -> Answer | None:
        """Ask for a volume or an image; None where there is nobody to ask, or nothing to ask for."""
        return None if self.no_compose or not name else self._ask("docker", kind, "inspect", name)

    def run(
        self, image: str, user: str, mounts: list[Mount], environment: Mapping[str, str], command: list[str]
    ) -> Answer:
        """Run a command in a new container, without a network and without privileges."""
        container = f"check-{os.getpid()}-{next(self._numbers)}"
        options = ["--rm", "--pull=never", f"--name={container}", "--network=none", "--read-only", "--tmpfs=/tmp"]
        options += ["--cap-drop=ALL", "--security-opt=no-new-privileges", f"--user={user}"]
        options += [f"--mount={mount.as_option()}" for mount in mounts]
        options += [f"--env={name}={value}" for name, value in environment.items()]
        after_limit = ("docker", "rm", "--force", container)
        words = [f"--entrypoint={command[0]}", image, *command[1:]]
        return self._ask("docker", "run", *options, *words, after_limit=after_limit)
