"""Run a program with a time limit, and end it together with what it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

LINES_KEPT = 2000


@dataclass(frozen=True)
class Result:
    """How a program ended: what went wrong, or None; the last lines of its output and errors; how long it took."""

    problem: str | None
    output: list[str]
    seconds: float


def run(command: list[str], folder: Path, limit: float) -> Result:
    """Run a program in a folder and return how it ended, also where it cannot be started or takes longer than `limit`.

    No keyboard is connected to it. What it started and left running is ended too; Ctrl-C ends all of it at once.
    """
    begin = time.monotonic()
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell: what an answer holds stays in one argument
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # a group of its own, to end it as a whole
        )
    except OSError as error:
        return Result(f"could not be started: {error.strerror}", [], 0.0)
    output: deque[str] = deque(maxlen=LINES_KEPT)
    # Read beside the wait, not after it: a server that the program leaves behind holds the pipe open.
    reader = threading.Thread(target=_read, args=(process, output), daemon=True)
    try:
        reader.start()
        # Not process.wait(): after Ctrl-C that gives the program a while, and Cookiecutter is gone before we are.
        while process.poll() is None and time.monotonic() - begin < limit:
            time.sleep(0.02)
        problem = _problem(process.returncode, limit)
    finally:
        _end(process)
    reader.join(timeout=1)
    return Result(problem, list(output), time.monotonic() - begin)


def _problem(code: int | None, limit: float) -> str | None:
    """Return what an exit code says went wrong; None is that of a program that still runs after its time."""
    if code is None:
        return f"was ended because it took longer than {limit:g} s"
    if code < 0:
        return f"was ended by signal {-code}"
    return f"failed with exit code {code}" if code else None


def _read(process: subprocess.Popen[str], output: deque[str]) -> None:
    """Move a program's lines into `output` until it closes its end."""
    output.extend(line.rstrip() for line in process.stdout or ())


def _end(process: subprocess.Popen[str]) -> None:
    """End a program, if it still runs, and what it started."""
    if sys.platform == "win32":
        if process.poll() is None:
            tree = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
            subprocess.run(tree, capture_output=True, check=False)  # noqa: S603
    else:
        with contextlib.suppress(ProcessLookupError):  # nothing of it is left
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
