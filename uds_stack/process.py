"""Run a program with a time limit, and end it together with what it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

POLL = 0.01  # seconds between two looks at a program
TAIL = 0.2  # seconds to wait for the end of the output, which a process that was left behind may hold open


@dataclass(frozen=True)
class Result:
    """How a program ended."""

    code: int  # negative: the signal that ended it
    out: str
    err: str  # empty where errors go to `out`

    @property
    def problem(self) -> str:
        """What its exit code says went wrong, such as "failed with exit code 1"; empty where nothing did."""
        if self.code < 0:
            return f"was ended by signal {-self.code}"
        return f"failed with exit code {self.code}" if self.code else ""


class Program:
    """A program that runs in a session of its own, without a keyboard, so that Ctrl-C does not reach it."""

    def __init__(
        self,
        command: Sequence[str | Path],
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        merge: bool = False,
        pass_fds: Sequence[int] = (),
        given: str = "",
    ) -> None:
        """Start a program in a folder.

        `environment` replaces that of this process. `merge` sends its errors where its output goes. Each of `pass_fds`
        stays open in the program and what it starts, outside of Windows. `given` is what it can read from stdin: a few
        lines at most. Raises OSError where the program cannot be started, ValueError where an argument holds a zero
        byte.
        """
        self._process = subprocess.Popen(  # noqa: S603 - no shell: each word stays one argument
            [str(word) for word in command],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE if given else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else subprocess.PIPE,
            start_new_session=True,
            pass_fds=() if sys.platform == "win32" else pass_fds,
        )
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:  # it has ended already
                stdin.write(given.encode())
        self._out, self._err = _Reader(self._process.stdout), _Reader(self._process.stderr)

    def wait(self, seconds: float) -> bool:
        """Wait at most so many seconds; return whether the program has ended."""
        deadline = time.monotonic() + seconds
        # Popen.wait would give the program another quarter of a second at Ctrl-C, and communicate would wait for a
        # server that it left behind, such as .NET's compiler.
        while self._process.poll() is None:
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL)
        return True

    def result(self) -> Result:
        """Return how the program ended, and what it printed. Call it after the end."""
        return Result(self._process.wait(), self._out.text(), self._err.text())

    def end(self, *, at_once: bool = False) -> None:
        """Ask the program, and what it started, to end; `at_once` does not ask."""
        with contextlib.suppress(OSError):  # nothing of it is left
            if sys.platform == "win32":
                tree = ["taskkill", "/F", "/T", "/PID", str(self._process.pid)]
                subprocess.run(tree, capture_output=True, check=False)  # noqa: S603
            else:
                os.killpg(self._process.pid, signal.SIGKILL if at_once else signal.SIGTERM)


class _Reader:
    """Collects what a program prints, beside the wait for its end."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._chunks: list[bytes] = []
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes] | None) -> None:
        while stream and (chunk := os.read(stream.fileno(), 65536)):
            self._chunks.append(chunk)

    def text(self) -> str:
        """Return what came so far; a process that was left behind may hold the pipe open."""
        self._thread.join(TAIL)
        return b"".join(self._chunks).decode("utf-8", "replace").replace("\r\n", "\n")
