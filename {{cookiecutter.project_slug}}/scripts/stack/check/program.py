"""Programs that are started and waited for later."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

from stack.check.files import ROOT
from stack.check.values import Value


class Program:
    """A program that was started and is waited for later, so that several take the time of the slowest one."""

    running: list[Program] = []  # noqa: RUF012 - all of them, to be ended with this one
    limit = 20.0

    def __init__(self, *command: str) -> None:
        """Start it in the project's folder. Without a command it is one that was not run."""
        self.command, self.failure = " ".join(command[:3]), "" if command else "was not run"
        self.code, self.out, self.err = -1, "", ""
        self.deadline = time.monotonic() + Program.limit
        if not command:
            return
        try:
            self.process = subprocess.Popen(  # noqa: S603 - no shell; a session of its own, to end all of it
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            Program.running.append(self)
        except (OSError, ValueError) as e:
            self.failure = f"could not be started ({e})"

    def wait(self) -> Program:
        """Wait for its end, or end it at its time limit; `failure` then says so."""
        if self.code == -1 and not self.failure:
            try:
                self.out, self.err = self.process.communicate(timeout=max(0.5, self.deadline - time.monotonic()))
                self.code = self.process.returncode
            except subprocess.TimeoutExpired:
                self.failure = f"did not end within {Program.limit:g} s"
                self.kill()
        return self

    def json(self) -> Value:
        """Return what it printed, if it ended well and that is JSON."""
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(self.out) if self.wait().code == 0 else None
        return None

    def complaint(self) -> str:
        """Return the last line of its errors."""
        return (self.err.strip().splitlines() or ["it does not say why"])[-1][:300]

    def kill(self) -> None:
        """End it, and what it started."""
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self.process.kill()
            else:
                os.killpg(self.process.pid, signal.SIGKILL)
