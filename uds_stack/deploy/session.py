"""One run of a command: its lock, the programs that it runs, and the signals that interrupt it."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from uds_stack.process import Program, Result

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

POLL = 0.1  # seconds between two looks at a container
REMINDERS = 10  # signals to end, one a second, that a program may ignore before it is killed

MISSING = {"docker": "docker is not installed: https://docs.docker.com/engine/install/"}


class DeployError(Exception):
    """The run failed: one line that says why and what to do, and what the failed program printed."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


class BadVersionError(DeployError):
    """The run failed, and the new version of the app is the cause."""


class InterruptError(Exception):
    """Ctrl-C, SIGTERM, or the terminal was closed."""


class Session:
    """The state of one run, passed to all that run programs, print or wait.

    A signal ends the program that runs, and raises InterruptError between two steps, never within one: files and tags
    are always in a known state.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.signal = 0  # the last that arrived
        self._begin = time.monotonic()
        self._lock: int | None = None
        self._program: Program | None = None
        self._is_finishing = False
        self._notes: set[str] = set()

    def begin(self) -> None:
        """Take the project's lock, and listen to signals. Raises DeployError where another run has it.

        A signal that the caller ignores (nohup) stays ignored.
        """
        self._lock = take_lock(self.root)
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def finish(self) -> None:
        """Ignore signals from here on: what follows cleans up."""
        self._is_finishing = True

    def say(self, text: str) -> None:
        """Print a step, with the seconds since the start."""
        with suppress(OSError):  # a terminal that was closed must not stop the work
            print(f"{time.monotonic() - self._begin:6.1f} s  {text}", flush=True)

    def note(self, text: str) -> None:
        """Print something once, however often it is noticed."""
        if text not in self._notes:
            self._notes.add(text)
            self.say(text)

    def run(self, *command: str | Path, limit: float = float("inf")) -> Result:
        """Run a program in the project's folder, for `limit` seconds at most; return how it ended and what it printed.

        The program holds the lock too: if this run is killed, the next one cannot begin before the program has ended.
        """
        self._check()
        lock = [] if self._lock is None else [self._lock]
        try:
            program = Program(command, self.root, pass_fds=lock)
        except FileNotFoundError:
            raise DeployError(MISSING.get(str(command[0]), f"{command[0]} is not installed")) from None
        self._program = program
        deadline = time.monotonic() + limit
        reminders = 0
        while not program.wait(1):
            if self._is_interrupted or time.monotonic() > deadline:
                program.end(at_once=reminders >= REMINDERS)
                reminders += 1
        self._program = None
        self._check()
        return program.result()

    def must(self, *command: str | Path, fault: str = "") -> str:
        """Run a program that has to succeed; return its output. Raises DeployError, with `fault`, if it fails."""
        result = self.run(*command)
        if result.code != 0:
            raise DeployError(fault or f"`{' '.join(map(str, command))}` {result.problem}", result.out + result.err)
        return result.out

    def pause(self) -> None:
        """Wait before the next look at a container."""
        time.sleep(POLL)
        self._check()

    @property
    def _is_interrupted(self) -> bool:
        return self.signal != 0 and not self._is_finishing

    def _check(self) -> None:
        if self._is_interrupted:
            raise InterruptError

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if not self._is_finishing:
            self.signal = number
            if self._program:
                self._program.end()


def take_lock(root: Path) -> int:
    """Lock a project; return the file descriptor that holds the lock.

    It is on the folder itself, so that no lock file is left over. Windows locks files alone: there it is compose.yaml.
    """
    lock = os.open(root / "compose.yaml" if sys.platform == "win32" else root, os.O_RDONLY)
    try:
        if sys.platform == "win32":
            os.lseek(lock, 1 << 30, os.SEEK_SET)  # past the end: on Windows no other process can read a locked range
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if sys.platform != "win32" and not isinstance(error, BlockingIOError):  # NFS locks no folder
            raise DeployError(
                f"cannot lock {root} ({error.strerror}): move the project to a local disk, and deploy from there"
            ) from None
        raise DeployError(
            "another uds-stack, or the last command of one that was killed, is running in this project: "
            "wait until it ends"
        ) from None
    return lock
