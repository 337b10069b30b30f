#!/usr/bin/env python3
"""Put a new version of the app, or of h2o.conf, in place without losing a request.

    python3 scripts/redeploy.py               after an edit of the sources, or of the app's part of compose.yaml
    python3 scripts/redeploy.py --rollback    the version before; once more, and the newer one is back
    python3 scripts/redeploy.py h2o           after an edit of h2o/h2o.conf

The app: the new version is built and started beside the old one, which serves until the new one is healthy, answers
through H2O and goes on doing so for a moment. Then the old one finishes its requests and is removed. If the new one
fails, it is removed and the old one serves on. Needs Docker, and the .NET SDK where ./publish is what runs.

One version before is kept: ./publish.previous, or the image's tag "previous". What a run sets aside until it is decided
carries the id of the container that runs it in its name (./publish.of-ID, tag of-ID). So a run that was killed leaves
all that the next one has to know, and `settle` puts things right at its start, just as after a failure.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import IO, Any, Protocol

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

ROOT = Path(__file__).resolve().parent.parent
BEGIN = time.monotonic()

# Seconds.
POLL = 0.1  # between two looks at a container
PROBE_LIMIT = 5  # for an answer to /healthz
TAKE_OVER_LIMIT = 20  # for an old app to take the path back; a frozen one never does
H2O_LIMIT = 15  # for H2O to answer, or to replace its worker
H2O_STABLE = 3  # after which a new worker has outlived its master's probation, which is one second

MISSING = {
    "docker": "docker is not installed: https://docs.docker.com/engine/install/",
    "dotnet": "the .NET SDK is not installed: https://dotnet.microsoft.com/download (without compose.override.yaml "
    "the app's image is built from source instead, and no SDK is needed here)",
}


class Failure(Exception):
    """It did not work: one line that says what to do, and what the failed program printed."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


class BadVersion(Failure):
    """The new version itself is at fault."""


class Interrupted(Exception):
    """Ctrl-C, SIGTERM, or the terminal was closed."""


def say(text: str) -> None:
    """Print a step, with the seconds since the start. A terminal that was closed must not stop the work."""
    with suppress(OSError):
        print(f"{time.monotonic() - BEGIN:6.1f} s  {text}", flush=True)


# ---- Running programs, and being interrupted ----


class Interruptions:
    """Signals, noticed between two steps and never within one, so that files and names are always in a known state."""

    def __init__(self) -> None:
        self.arrived = 0
        self.ignored = False
        self.child: subprocess.Popen[str] | None = None

    def catch(self) -> None:
        """Begin to listen. What the caller ignores (nohup) stays ignored."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.arrived = self.arrived or number
        if self.pending and self.child:
            end(self.child)

    @property
    def pending(self) -> bool:
        """Whether the work is to be stopped."""
        return self.arrived != 0 and not self.ignored

    def check(self) -> None:
        """Stop the work if that is wanted."""
        if self.pending:
            raise Interrupted


interruptions = Interruptions()
lock: IO[bytes] | None = None


def take_lock() -> IO[bytes]:
    """Make sure that this is the only run in this project. The lock is on this file itself, so nothing is left over."""
    file = Path(__file__).open("rb")  # noqa: SIM115 - held until the end
    try:
        if sys.platform == "win32":
            file.seek(1 << 30)  # there, since Windows lets nobody read what is locked
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Failure(
            "another redeploy.py is at work in this project, or the last step of one that was killed: try again later"
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
        raise Failure(MISSING.get(str(command[0]), f"{command[0]} is not installed")) from None
    interruptions.child = process
    begin = time.monotonic()
    reminders = 0
    while True:
        try:
            out, err = process.communicate(timeout=1)
            break
        except subprocess.TimeoutExpired:
            if interruptions.pending or time.monotonic() - begin > limit:
                end(process, insist=reminders > 10)
                reminders += 1
    interruptions.child = None
    interruptions.check()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def must(*command: str | Path, fault: str = "") -> str:
    """Run a program that has to succeed; return what it printed."""
    done = run(*command)
    if done.returncode != 0:
        raise Failure(fault or f"`{' '.join(map(str, command))}` failed", done.stdout + done.stderr)
    return done.stdout


def pause() -> None:
    """Wait before the next look."""
    time.sleep(POLL)
    interruptions.check()


# ---- The project: what Compose makes of its files, and what the engine has of it ----


@dataclass(frozen=True)
class Container:
    """A container of the stack, as it was when the engine was asked."""

    id: str
    name: str
    created: str
    status: str
    health: str
    restarts: int
    exit_code: int
    pid: int
    image: str
    program: tuple[str, ...]
    config_hash: str
    address: tuple[str, int] | None

    @classmethod
    def parse(cls, found: dict[str, Any]) -> Container:
        """Read what `docker inspect` says."""
        state = found["State"]
        bindings = [one for several in (found["NetworkSettings"]["Ports"] or {}).values() for one in several or []]
        return cls(
            id=found["Id"],
            name=found["Name"].lstrip("/"),
            created=found["Created"],
            status=state["Status"],
            health=state.get("Health", {}).get("Status", ""),
            restarts=found["RestartCount"],
            exit_code=state["ExitCode"],
            pid=state["Pid"],
            image=found["Image"],
            program=(found["Path"], *found["Args"]),
            config_hash=found["Config"]["Labels"].get("com.docker.compose.config-hash", ""),
            address=(bindings[0]["HostIp"], int(bindings[0]["HostPort"])) if bindings else None,
        )

    @property
    def is_up(self) -> bool:
        """Whether the engine keeps it going: it runs, or crashed and is started again."""
        return self.status in ("running", "restarting", "paused")


class Project:
    """The project that this script belongs to."""

    def __init__(self) -> None:
        engine = run("docker", "version")
        if engine.returncode != 0:
            raise Failure("the Docker engine does not answer: start it, or see who may use it", engine.stderr)
        model = json.loads(
            must("docker", "compose", "config", "--format", "json", fault="this is no project that Compose can read")
        )
        services: dict[str, Any] = model.get("services", {})
        if "app" not in services or "h2o" not in services:
            raise Failure("compose.yaml has no services named app and h2o: is this script still in its project?")
        self.name: str = model["name"]
        self.app: dict[str, Any] = services["app"]
        test = self.app.get("healthcheck", {}).get("test") or []
        if test[:1] != ["CMD"] or test[-1] != "health":
            raise Failure("the health check of app in compose.yaml must end in `health`, as `[CMD, dotnet, app.dll, health]`")
        self.program: list[str] = test[1:-1]
        self.version = self._version()

    def _version(self) -> Version:
        if self.app.get("build"):
            return ImageVersion(self.app.get("image") or f"{self.name}-app")
        mounts = self.app.get("volumes") or []
        if not any(one["type"] == "bind" and Path(one["source"]) == PublishedVersion.current for one in mounts):
            raise Failure("compose.yaml neither builds app nor mounts ./publish into it: what should be redeployed?")
        return PublishedVersion(ROOT / "src" / PurePosixPath(self.program[-1]).name.removesuffix(".dll"))

    def containers(self, service: str) -> list[Container]:
        """Return a service's containers, the newest first."""
        labels = (f"project={self.name}", f"service={service}", "oneoff=False")
        filters = [f"--filter=label=com.docker.compose.{label}" for label in labels]
        return inspect(*must("docker", "ps", "--all", "--quiet", "--no-trunc", *filters).split())

    def h2o(self) -> Container | None:
        """Return the H2O that runs."""
        return next((one for one in self.containers("h2o") if one.status == "running"), None)

    def compose_up(self, *options: str) -> None:
        """Create and start containers."""
        must("docker", "compose", "up", "--detach", *options)


def inspect(*ids: str) -> list[Container]:
    """Look at containers, the newest first; those that are gone are left out."""
    if not ids:
        return []
    found = json.loads(run("docker", "container", "inspect", *ids).stdout or "[]")
    return sorted(map(Container.parse, found), key=lambda one: one.created, reverse=True)


# ---- Versions: ./publish, or the image ----


class Version(Protocol):
    """What the app's containers run, and the one before. Each step leaves names from which the next run can go on."""

    def undecided(self) -> str | None:
        """Return the id (its begin) of the container whose version is set aside, or None."""

    def bring(self, running: Container | None, *, rollback: bool) -> None:
        """Make the new version what containers are created from, and set the one that runs aside."""

    def commit(self) -> None:
        """Decide for the new version: what was set aside becomes the version before."""

    def abort(self) -> None:
        """Decide for the old version, and forget the new one."""


NOBODY = "none"  # stands for the container's id if none runs
SAME = "nothing to build has changed: the version before stays what it was"


class PublishedVersion:
    """./publish, mounted into the container. A running one keeps its directory, whatever that is called by now."""

    current = ROOT / "publish"
    previous = ROOT / "publish.previous"
    following = ROOT / "publish.next"  # being made, or no longer needed

    def __init__(self, source: Path) -> None:
        self.source = source

    def undecided(self) -> str | None:
        """See Version."""
        aside = self._aside()
        return aside.name.partition(".of-")[2] if aside else None

    def bring(self, running: Container | None, *, rollback: bool) -> None:
        """See Version."""
        if rollback:
            if not self.previous.is_dir():
                raise Failure("there is no version before this one: ./publish.previous does not exist")
            say("bringing ./publish.previous back")
            shutil.copytree(self.previous, self.following)
        else:
            say(f"publishing {self.source.relative_to(ROOT)}")
            # Neither option leaves a server behind, which would hold the lock.
            alone = ("-nodeReuse:false", "-p:UseSharedCompilation=false")
            must(
                *("dotnet", "publish", self.source, "-c", "Release", "-o", self.following, "--nologo", "-v", "quiet"),
                *alone,
                fault="dotnet publish failed, so nothing has changed",
            )
        make_readable(self.following)
        if self.current.is_dir():
            if content(self.current) == content(self.following):
                say(SAME)
                return
            self.current.rename(ROOT / f"publish.of-{running.id[:12] if running else NOBODY}")
        self.following.rename(self.current)

    def commit(self) -> None:
        """See Version."""
        if aside := self._aside():
            shutil.rmtree(self.previous, ignore_errors=True)
            aside.rename(self.previous)
        shutil.rmtree(self.following, ignore_errors=True)

    def abort(self) -> None:
        """See Version."""
        shutil.rmtree(self.following, ignore_errors=True)
        if aside := self._aside():
            if self.current.exists():
                self.current.rename(self.following)
            aside.rename(self.current)
            shutil.rmtree(self.following, ignore_errors=True)

    def _aside(self) -> Path | None:
        return next(iter(ROOT.glob("publish.of-*")), None)


def make_readable(folder: Path) -> None:
    """Let the app's user read what was made under a strict umask."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def content(folder: Path) -> dict[Path, bytes]:
    """Return all files of a folder."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class ImageVersion:
    """The app's image; its tags are the names."""

    def __init__(self, image: str) -> None:
        self.repository, colon, tag = image.rpartition(":")
        if not colon or "/" in tag:
            self.repository, tag = image, "latest"
        self.current = f"{self.repository}:{tag}"
        self.previous = f"{self.repository}:previous"

    def undecided(self) -> str | None:
        """See Version."""
        aside = self._aside()
        return aside.rpartition(":of-")[2] if aside else None

    def bring(self, running: Container | None, *, rollback: bool) -> None:
        """See Version."""
        if rollback and not image_id(self.previous):
            raise Failure(f"there is no version before this one: the image {self.previous} does not exist")
        if old := running.image if running else image_id(self.current):
            must("docker", "tag", old, f"{self.repository}:of-{running.id[:12] if running else NOBODY}")
        if rollback:
            say(f"bringing {self.previous} back")
            must("docker", "tag", self.previous, self.current)
        else:
            say(f"building {self.current}")
            must("docker", "compose", "build", "app", fault="the build of the image failed, so nothing has changed")
        if old and old == image_id(self.current):
            say(SAME)
            self.abort()

    def commit(self) -> None:
        """See Version."""
        if aside := self._aside():
            outdated = image_id(self.previous)
            must("docker", "tag", aside, self.previous)
            must("docker", "image", "rm", aside)
            remove_image(outdated)

    def abort(self) -> None:
        """See Version."""
        if aside := self._aside():
            failed = image_id(self.current)
            must("docker", "tag", aside, self.current)
            must("docker", "image", "rm", aside)
            remove_image(failed)

    def _aside(self) -> str | None:
        lines = must("docker", "image", "ls", "--format=json", f"--filter=reference={self.repository}:of-*").splitlines()
        return next((f"{self.repository}:{json.loads(line)['Tag']}" for line in lines), None)


def image_id(name: str) -> str:
    """Return an image's id, or nothing where it is not there."""
    found = json.loads(run("docker", "image", "inspect", name).stdout or "[]")
    return str(found[0]["Id"]) if found else ""


def remove_image(identity: str) -> None:
    """Remove an image that has lost its last name."""
    found = json.loads(run("docker", "image", "inspect", identity).stdout or "[]") if identity else []
    if found and not found[0]["RepoTags"]:
        run("docker", "image", "rm", identity)


# ---- The hand-over ----


def redeploy(project: Project, *, rollback: bool, patience: float, watch: float) -> None:
    """Bring a new version of the app, or the one before."""
    settle(project)
    old = [one for one in project.containers("app") if one.is_up]
    new: Container | None = None
    survivors = old
    try:
        project.version.bring(old[0] if old else None, rollback=rollback)
        new = start(project, old)
        wait_until_healthy(new, patience)
        project.compose_up("--no-deps", "--no-recreate", "--no-build", "h2o") if old else project.compose_up("--wait")
        see_it_serve(project, new, watch)
        project.version.commit()
        survivors = [new]
        retire(old)
        see_it_serve(project, new, 0)
    except (Failure, Interrupted) as stop:
        interruptions.ignored = True
        say("interrupted" if isinstance(stop, Interrupted) else f"failed: {stop}")
        if new and isinstance(stop, BadVersion):
            stop.details = f"the last lines of its log:\n{log(new)}"
        keeper = settle(project, survivors, new if isinstance(stop, BadVersion) else None)
        say(f"{keeper.name} serves, as before" if keeper and keeper in old else "")
        raise
    say(f"{new.name} serves now")
