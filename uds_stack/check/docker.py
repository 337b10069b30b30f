"""Ask Docker and Compose on this machine."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping

from uds_stack.check.compose_files import ComposeFiles
from uds_stack.check.compose_model import Mount
from uds_stack.check.query import Queries, Query
from uds_stack.check.tools import Tools


class Docker:
    """Starts the queries to Docker and Compose."""

    def __init__(self, queries: Queries) -> None:
        """Take what starts programs."""
        self._queries, self._ask = queries, queries.ask
        self._numbers = itertools.count()

    def ask(self, compose: ComposeFiles) -> Tools:
        """Ask for the versions, and for what Compose makes of its files; nothing where Docker is not installed."""
        if not self._queries.find("docker"):
            return Tools(self._queries.files_only)
        config = ("docker", "compose", "--profile", "*", "config", "--format", "json")
        return Tools(
            files_only=False,
            engine=self._ask("docker", "version"),
            compose=self._ask("docker", "compose", "version", "--short"),
            resolved=self._ask(*config) if compose.readable else None,
        )

    def inspect_volume(self, name: str) -> Query:
        """Ask for a volume of the engine."""
        return self._ask("docker", "volume", "inspect", name)

    def run(
        self, image: str, user: str, mounts: list[Mount], environment: Mapping[str, str], command: list[str]
    ) -> Query:
        """Run a command in a new container, without a network and without privileges."""
        container = f"check-{os.getpid()}-{next(self._numbers)}"
        options = ["--rm", "--pull=never", f"--name={container}", "--network=none", "--read-only", "--tmpfs=/tmp"]
        options += ["--cap-drop=ALL", "--security-opt=no-new-privileges", f"--user={user}"]
        options += [f"--mount={mount.as_option()}" for mount in mounts]
        options += [f"--env={name}={value}" for name, value in environment.items()]
        after_limit = ("docker", "rm", "--force", container)
        words = [f"--entrypoint={command[0]}", image, *command[1:]]
        return self._ask("docker", "run", *options, *words, after_limit=after_limit)
