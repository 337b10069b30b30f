"""Publish the new project's app: its first image is made of that.

Whatever goes wrong here, the project works: `docker compose up` builds the app's image from source.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import time
from pathlib import Path

from uds_stack.generate import console, signals
from uds_stack.process import Program

CAUSES = 5  # lines that are shown of a failed program

# 0 means: do not publish. A build server's cache can want less than the default, a slow line to NuGet more.
LIMIT_VARIABLE = "UDS_STACK_PUBLISH_SECONDS"
LIMIT = 600.0  # seconds
VERSION_LIMIT = 60.0  # seconds for `dotnet --version`
PROGRESS = 15.0  # seconds between two signs that a compilation ahead of time goes on
# Slow, and useless on a new project: the template's own tests run the analyzers on this code, and it has no package.
# `dotnet build` in CI does both for the user's code.
OPTIONS = ["-p:RunAnalyzers=false", "-p:NuGetAudit=false"]
# For the runtime below the SDK, which lives for seconds: it need not profile code to compile it a second time, nor keep
# its memory small. What is published is the same. A compiler server that starts here has them for its ten minutes.
SETTINGS = {"DOTNET_TieredPGO": "0", "DOTNET_gcConcurrent": "0", "DOTNET_GCgen0size": "0x4000000"}


class Publisher:
    """Makes ./publish, or leaves nothing of it.

    `start` it, do something else meanwhile, and `finish` it.
    """

    def __init__(self, project: Path, slug: str, dotnet_version: str, *, native: bool = False) -> None:
        """Take the project's folder, its slug, and the version of .NET that it is written for, such as 10.0.

        With `native` the app is compiled ahead of time.
        """
        self.fault: str | None = None  # why there is no ./publish
        self.is_left_to_image = False  # nothing went wrong: this machine cannot compile for the container
        self._project, self._slug, self._dotnet_version, self._native = project, slug, dotnet_version, native
        # What this run makes, and what an earlier one left where a project is generated over an old one.
        folders = [project / "src" / folder / name for folder in (slug, "UnixSocket") for name in ("bin", "obj")]
        self._made = [project / "publish", *folders]
        self.limit = LIMIT
        self._begin = 0.0
        self._program: Program | None = None

    @property
    def command(self) -> list[str]:
        """The command that publishes the app, as its user would type it in the project."""
        return ["dotnet", "publish", f"src/{self._slug}", "-c", "Release", "-o", "publish", *OPTIONS]

    def start(self) -> None:
        """Remove what an older project left, and start `dotnet publish` where there is an SDK."""
        self.limit = read_limit()
        _remove(self._made)
        if self.limit == 0:
            self.fault = f"{LIMIT_VARIABLE} is 0"
        elif self._native and (fault := compiler_fault()):
            self.fault, self.is_left_to_image = fault, True
        elif dotnet := shutil.which("dotnet"):
            duration = f"about a minute, at most {self.limit:g} s" if self._native else f"at most {self.limit:g} s"
            console.say(f"Publishing the app: {' '.join(self.command)} ({duration})")
            self._begin = time.monotonic()
            try:
                with signals.deferred():
                    environment = {**SETTINGS, **os.environ}
                    self._program = Program(
                        [dotnet, *self.command[1:]], self._project, environment=environment, merge=True
                    )
            except OSError as error:
                self.fault = f"dotnet could not be started: {error.strerror}"
        else:
            self.fault = f"the .NET SDK is not installed; {self._hint()}"

    def finish(self) -> None:
        """Wait for the end of `dotnet publish`. `fault` then says what went wrong, or is None."""
        if self._program:
            self.fault = self._wait(self._program)
        if self.fault is None:
            make_readable(self._project / "publish")
        else:
            self.discard()

    def discard(self, fault: str | None = None) -> None:
        """End `dotnet publish` with all that it started, and remove what it made."""
        self.fault = fault or self.fault
        if self._program and not self._program.wait(0):
            self._program.end(at_once=True)
            self._program.wait(1)
        _remove(self._made)

    def _wait(self, program: Program) -> str | None:
        """Wait for the program's end; return what went wrong, or None."""
        command = " ".join(self.command)
        if not self._wait_for_end(program):
            return f"{command} was ended because it took longer than {self.limit:g} s"
        result = program.result()
        if result.problem:
            return self._sdk_fault() or "\n    ".join([f"{command} {result.problem}", *find_causes(result.out)])
        file = self._slug if self._native else f"{self._slug}.dll"
        if not (self._project / "publish" / file).is_file():
            return self._sdk_fault() or f"{command} made no publish/{file}"
        console.say(f"Published into ./publish in {self._seconds:.1f} s.")
        return None

    def _wait_for_end(self, program: Program) -> bool:
        """Wait until the program has ended, and return False where the limit came first."""
        while (left := self.limit - self._seconds) > 0:
            if program.wait(min(left, PROGRESS) if self._native else left):
                return True
            if self._native:
                console.say(f"Compiling ahead of time: {self._seconds:.0f} s so far")
        return program.wait(0)

    @property
    def _seconds(self) -> float:
        """The seconds since the program was started."""
        return time.monotonic() - self._begin

    def _sdk_fault(self) -> str | None:
        """Return what is wrong with the SDK that `dotnet` chooses in the project's folder, or None.

        The folder matters: a global.json in it or above it chooses the SDK.
        """
        program = Program(["dotnet", "--version"], self._project, merge=True)
        if not program.wait(min(self.limit, VERSION_LIMIT)):
            program.end(at_once=True)
            return f"dotnet --version was ended because it took longer than {min(self.limit, VERSION_LIMIT):g} s"
        result = program.result()
        if result.problem:
            return "\n    ".join([f"dotnet --version {result.problem}", *find_causes(result.out)])
        version = (result.out.split() or ["of no version"])[-1]
        major = re.match(r"\d+", version)
        if major and int(major[0]) >= int(self._dotnet_version.split(".")[0]):
            return None
        return f".NET SDK {version} is too old; {self._hint()}"

    def _hint(self) -> str:
        return f".NET {self._dotnet_version} is at https://dotnet.microsoft.com/download"


def compiler_fault() -> str | None:
    """Return why this machine cannot compile an app ahead of time that runs in its container, or None."""
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return "compiling ahead of time for the container needs Linux with glibc"
    if not any(map(shutil.which, ("clang", "gcc"))):
        return "compiling ahead of time needs clang or gcc, which is not installed"
    return None


def read_limit() -> float:
    """Return how many seconds `dotnet publish` may take."""
    wanted = os.environ.get(LIMIT_VARIABLE, "")
    if re.fullmatch(r"[0-9]{1,6}", wanted, re.ASCII):
        return float(wanted)
    if wanted:
        console.warn(f"warning: {LIMIT_VARIABLE}={wanted} is not a number of seconds; using {LIMIT:g}")
    return LIMIT


def _remove(paths: list[Path]) -> None:
    """Remove files and folders that may be there."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def make_readable(folder: Path) -> None:
    """Let the users of the containers read a folder that they mount, made under whatever umask."""
    if os.name == "posix":
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def find_causes(output: str) -> list[str]:
    """Return the lines that say why a publish failed: its errors, each once, or the last lines where there is none."""
    lines = [re.sub(r" +\[[^]]*proj\]$", "", line.strip()) for line in output.splitlines() if line.strip()]
    errors = [
        line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE) and not re.search(r":\s+at ", line)
    ]
    return list(dict.fromkeys(errors))[:CAUSES] or lines[-CAUSES:]
