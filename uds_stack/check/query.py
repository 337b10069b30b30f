"""Ask programs: each runs while others are asked, and is waited for when its answer is read."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from functools import cached_property
from pathlib import Path

from uds_stack.check.yaml_values import Value
from uds_stack.process import Program, Result

GRACE = 0.5  # seconds that a program has at least, however late its answer is read


class Query:
    """A program that was started, and its answer."""

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


class Queries:
    """The queries of one run of the check."""

    def __init__(self, root: Path, limit: float, *, files_only: bool = False) -> None:
        """Take the folder in which programs run, and the seconds that each may take. `files_only` finds no program."""
        self._root, self._limit, self.files_only = root, limit, files_only
        self._started: list[Query] = []

    def find(self, program: str) -> bool:
        """Return whether a program is there to be asked."""
        return not self.files_only and shutil.which(program) is not None

    def ask(self, *command: str, after_limit: tuple[str, ...] = ()) -> Query:
        """Start a program. `after_limit` is a command that cleans up after it where the limit ends it."""
        self._started.append(Query(self._root, self._limit, *command, after_limit=after_limit))
        return self._started[-1]

    def close(self) -> None:
        """End what still runs."""
        for query in self._started:
            query.end()
