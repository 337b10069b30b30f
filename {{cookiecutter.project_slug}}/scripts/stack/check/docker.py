"""Ask Docker: each question runs while others are asked, and is waited for when its answer is read."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from stack.check.model import Mount
from stack.check.values import Value
from stack.process import Program, Result

GRACE = 0.5  # seconds that a program has at least, however late its answer is read


class Answer:
    """A program that was started, and what it answered."""

    def __init__(self, folder: Path, limit: float, *command: str, after_limit: tuple[str, ...] = ()) -> None:
        """Start a program in a folder. `after_limit` is a command that cleans up after it where the limit ends it."""
        self.command = " ".join(command[:3])
        self._folder, self._limit, self._after_limit = folder, limit, after_limit
        self._deadline = time.monotonic() + limit
        self._program: Program | None = None
        self._problem = ""
        try:
            self._program = Program(command, folder)
        except (OSError, ValueError) as e:
            self._problem = f"could not be started ({e})"

    @cached_property
    def _outcome(self) -> tuple[Result, str]:
        nothing = Result(-1, "", "")
        if not self._program:
            return nothing, self._problem
        if self._program.wait(max(GRACE, self._deadline - time.monotonic())):
            return self._program.result(), ""
        self.end()
        if self._after_limit:
            with contextlib.suppress(OSError):
                Program(self._after_limit, self._folder).wait(self._limit)
        return nothing, f"did not end within {self._limit:g} s"

    @property
    def result(self) -> Result:
        """How the program ended; its code is -1 where it did not."""
        return self._outcome[0]

    @property
    def failure(self) -> str:
        """Why there is no result; empty where there is one."""
        return self._outcome[1]

    @cached_property
    def json(self) -> Value:
        """What the program printed, where it succeeded and that is JSON; else None."""
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(self.result.out) if self.result.code == 0 else None
        return None

    @property
    def output(self) -> str:
        """What the program printed on both of its streams."""
        return self.result.out + self.result.err

    @property
    def complaint(self) -> str:
        """The last line of its errors."""
        return (self.result.err.strip().splitlines() or ["it does not say why"])[-1][:300]

    def end(self) -> None:
        """End the program, and what it started, at once."""
        if self._program:
            self._program.end(at_once=True)


class Docker:
    """The questions to Docker and Compose on this machine."""

    def __init__(self, root: Path, limit: float) -> None:
        """Take the project's folder, and the seconds that each answer may take."""
        self._root, self._limit = root, limit
        self._asked: list[Answer] = []

    def _ask(self, *command: str, after_limit: tuple[str, ...] = ()) -> Answer:
        self._asked.append(Answer(self._root, self._limit, *command, after_limit=after_limit))
        return self._asked[-1]

    @cached_property
    def installed(self) -> bool:
        """Whether the command `docker` is there."""
        return shutil.which("docker") is not None

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
        container = f"check-{os.getpid()}-{len(self._asked)}"
        options = ["--rm", "--pull=never", f"--name={container}", "--network=none", "--read-only", "--tmpfs=/tmp"]
        options += ["--cap-drop=ALL", "--security-opt=no-new-privileges", f"--user={user}"]
        options += [f"--mount={mount.as_option()}" for mount in mounts]
        options += [f"--env={name}={value}" for name, value in environment.items()]
        after_limit = ("docker", "rm", "--force", container)
        words = [f"--entrypoint={command[0]}", image, *command[1:]]
        return self._ask("docker", "run", *options, *words, after_limit=after_limit)

    def close(self) -> None:
        """End what still runs."""
        for answer in self._asked:
            answer.end()
