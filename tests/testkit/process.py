"""Run a command, await a condition, skip a test that cannot run."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest


def run(
    *command: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    timeout: float = 600,
) -> subprocess.CompletedProcess[str]:
    """Run a command and return its result; with `check`, raise AssertionError with its output if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def eventually(condition: Callable[[], object], what: str, within: float = 30) -> None:
    """Wait until `condition` is true; fail, naming `what`, if it is not within so many seconds."""
    deadline = time.monotonic() + within
    while True:
        begin = time.monotonic()
        if condition():
            return
        end = time.monotonic()
        assert end < deadline, f"{what}: not within {within} s"
        # Asked without a pause, a condition that runs a program would take a processor from what it waits for.
        time.sleep(min(max(0.02, end - begin), 0.5))


def cannot_run(reason: str) -> NoReturn:
    """Skip the running test with a reason; with UDS_STACK_SKIP_NOTHING (.ci/run), fail it."""
    if os.environ.get("UDS_STACK_SKIP_NOTHING"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
