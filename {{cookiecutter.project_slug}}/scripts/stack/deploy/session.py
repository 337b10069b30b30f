"""Running programs, and being interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

ROOT = Path(__file__).resolve().parents[3]
BEGIN = time.monotonic()

# Seconds.
POLL = 0.1  # between two looks at a container
PROBE_LIMIT = 5  # for an answer to /healthz
COMMAND_LIMIT = 20  # for a command beside an app; a frozen one never answers
H2O_LIMIT = 10  # for H2O to answer, or to replace its worker
H2O_STABLE = 3  # after which a new worker has outlived its master's probation, which is one second

MISSING = {
    "docker": "docker is not installed: https://docs.docker.com/engine/install/",
    "dotnet": "the .NET SDK is not installed: https://dotnet.microsoft.com/download (without compose.override.yaml "
    "the app's image is built from source instead, and no SDK is needed here)",
}


class RedeployError(Exception):
    """It did not work: one line that says what to do, and what the failed program printed."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


class BadVersionError(RedeployError):
    """It did not work, and the new version of the app is at fault."""


class InterruptError(Exception):
    """Ctrl-C, SIGTERM, or the terminal was closed."""


def say(text: str) -> None:
    """Print a step, with the seconds since the start. A terminal that was closed must not stop the work."""
    with suppress(OSError):
        print(f"{time.monotonic() - BEGIN:6.1f} s  {text}", flush=True)


# ---- Running programs, and being interrupted ----


class Interruptions:
    """Signals, noticed between two steps and never within one, so that files and names are always in a known state."""

    arrived = 0
    ignored = False
    child: subprocess.Popen[str] | None = None

    def catch(self) -> None:
        """Begin to listen. What the caller ignores (nohup) stays ignored."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if not self.ignored:
            self.arrived = number
            if self.child:
                end(self.child)

    def check(self) -> None:
        """Stop the work if that is wanted."""
        if self.arrived and not self.ignored:
            raise InterruptError


interruptions = Interruptions()
lock: IO[bytes] | None = None


def take_lock() -> IO[bytes]:
    """Make sure that this is the only run in this project. The lock is on the script itself, so nothing is left over."""
    file = (ROOT / "scripts" / "redeploy.py").open("rb")
    try:
        if sys.platform == "win32":
            file.seek(1 << 30)  # there, since Windows lets nobody read what is locked
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise RedeployError(
            "another redeploy.py is at work in this project, or the last step of one that was killed: wait for its end"
        ) from None
    return file


def end(process: subprocess.Popen[str], *, insist: bool = False) -> None:
    """End a program and what it started."""
    with suppress(OSError):
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, signal.SIGKILL if insist else signal.SIGTERM)


def run(*command: str | Path, limit: float = float("inf")) -> subprocess.CompletedProcess[str]:
    """Run a program in the project's folder and collect what it prints; `limit` seconds at most.

    It has a session of its own, so Ctrl-C reaches this script alone. It holds the lock too: if this script is killed,
    the next run cannot begin before the program has ended.
    """
    interruptions.check()
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell
            [str(word) for word in command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            pass_fds=[lock.fileno()] if lock and sys.platform != "win32" else [],
        )
    except FileNotFoundError:
        raise RedeployError(MISSING.get(str(command[0]), f"{command[0]} is not installed")) from None
    interruptions.child = process
    begin = time.monotonic()
    reminders = 0
    while True:
        try:
            out, err = process.communicate(timeout=1)
            break
        except subprocess.TimeoutExpired:
            if (interruptions.arrived and not interruptions.ignored) or time.monotonic() - begin > limit:
                end(process, insist=reminders > 10)
                reminders += 1
    interruptions.child = None
    interruptions.check()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def must(*command: str | Path, fault: str = "") -> str:
    """Run a program that has to succeed; return what it printed."""
    done = run(*command)
    if done.returncode != 0:
        raise RedeployError(fault or f"`{' '.join(map(str, command))}` failed", done.stdout + done.stderr)
    return done.stdout


def pause() -> None:
    """Wait before the next look."""
    time.sleep(POLL)
    interruptions.check()
