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
import filecmp
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
from datetime import datetime
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import IO, Any

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

ROOT = Path(__file__).resolve().parent.parent
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
    """Make sure that this is the only run in this project. The lock is on this file itself, so nothing is left over."""
    file = Path(__file__).open("rb")  # noqa: SIM115 - held until the end
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


# ---- The project: what Compose reads in its files, and what the engine has of it ----


class Container:
    """A container of the stack, as it was when the engine was asked (`docker inspect` is in `found`)."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found = found
        self.id: str = found["Id"]
        self.name: str = found["Name"].lstrip("/")
        self.image: str = found["Image"]
        self.status: str = found["State"]["Status"]
        self.health: str = found["State"].get("Health", {}).get("Status", "")

    @property
    def is_up(self) -> bool:
        """Whether the engine keeps it going: it runs, or it crashed and is started again."""
        return self.status in ("running", "restarting", "paused")

    def has_mounted(self, folder: Path) -> bool:
        """Whether it was created with a folder of this name. (Docker Desktop has other names for those above it.)"""
        sources = [PurePosixPath(one.get("Source", "").replace("\\", "/")) for one in self.found["Mounts"]]
        return any(source.name == folder.name for source in sources)

    def was_started_before(self, moment: float) -> bool:
        """Whether it has run since before a moment, without a break."""
        return datetime.fromisoformat(self.found["State"]["StartedAt"][:19] + "+00:00").timestamp() < moment


def inspect(*ids: str) -> list[Container]:
    """Look at containers, the newest first; those that are gone are left out."""
    found = json.loads(run("docker", "container", "inspect", *ids).stdout or "[]") if ids else []
    return [Container(one) for one in sorted(found, key=lambda one: str(one["Created"]), reverse=True)]


class Project:
    """The project that this script belongs to."""

    def __init__(self) -> None:
        engine = run("docker", "version")
        if engine.returncode != 0:
            raise RedeployError("the Docker engine does not answer: start it, or see who may use it", engine.stderr)
        model = must("docker", "compose", "config", "--format=json", fault="Compose cannot read this project")
        self.name: str = json.loads(model)["name"]
        services: dict[str, Any] = json.loads(model).get("services", {})
        if not {"app", "h2o"} <= services.keys():
            raise RedeployError("compose.yaml has no services app and h2o: is this script still in its project?")
        app = services["app"]
        test: list[str] = app.get("healthcheck", {}).get("test") or []
        if test[:1] != ["CMD"] or test[-1] != "health":
            raise RedeployError("compose.yaml: app's health check must read as [CMD, dotnet, NAME.dll, health]")
        if (app.get("scale") or (app.get("deploy") or {}).get("replicas") or 1) != 1:
            raise RedeployError("compose.yaml wants several instances of app, but one alone serves: remove `replicas`")
        self.version: PublishedVersion | ImageVersion
        if app.get("build"):
            self.version = ImageVersion(app.get("image") or f"{self.name}-app")
        elif any(Path(one.get("source", "")).resolve() == PublishedVersion.current for one in app.get("volumes") or []):
            self.version = PublishedVersion(Path("src") / PurePosixPath(test[-2]).name.removesuffix(".dll"))
        else:
            raise RedeployError("compose.yaml neither builds app nor mounts ./publish: there is nothing to redeploy")
        self._recognize_its_stack()

    def _recognize_its_stack(self) -> None:
        """Compose knows a stack by its name and the path of its folder: by others it would start or replace all."""
        running = inspect(*must("docker", "ps", "--quiet", "--filter=label=com.docker.compose.service=app").split())
        names = {}
        for labels in (one.found["Config"]["Labels"] for one in running):
            path = labels.get("com.docker.compose.project.working_dir", "/")
            with suppress(OSError):
                if Path(path).samefile(ROOT):
                    names[labels["com.docker.compose.project"]] = path
        if self.name in names:
            os.environ["PWD"] = names[self.name]  # perhaps a symbolic link
        elif names:
            raise RedeployError(
                f"nothing runs here as {self.name}, but {', '.join(sorted(names))} does: set COMPOSE_PROJECT_NAME to "
                "that, or start another stack with `docker compose up -d` first"
            )

    def containers(self, service: str) -> list[Container]:
        """Return a service's containers, the newest first."""
        labels = (f"project={self.name}", f"service={service}", "oneoff=False")
        filters = [f"--filter=label=com.docker.compose.{label}" for label in labels]
        return inspect(*must("docker", "ps", "--all", "--quiet", "--no-trunc", *filters).split())

    def h2o(self) -> Container | None:
        """Return the H2O that runs."""
        return next((one for one in self.containers("h2o") if one.status == "running"), None)


# ---- Versions. Both kinds have the same four methods; each leaves names from which the next run can go on:
#      owners  which containers run the version that is set aside; None where none is, since all is decided
#      bring   set what runs aside, and make the new version what containers are created from
#      commit  decide for the new version: what was set aside becomes the version before
#      abort   decide for the old version, and forget the new one

NOBODY = "none"  # stands for the container's id if none runs
SAME = "nothing has changed in what was built: the version before stays the one that it was"


class PublishedVersion:
    """./publish, mounted into the container. A running one keeps its directory, whatever that is called by now."""

    current = ROOT / "publish"
    previous = ROOT / "publish.previous"
    following = ROOT / "publish.next"  # being made, or no longer needed

    def __init__(self, source: Path) -> None:
        self.source = source
        self.is_foreign = False  # ./publish is not what ran until now: compose.override.yaml is new

    def owners(self, containers: list[Container]) -> list[Container] | None:
        """A container that was started anew since then has mounted what is ./publish now, and is none of them."""
        if not (aside := self._aside()):
            return None
        mine = [one for one in containers if one.id.startswith(aside.name.partition(".of-")[2])]
        return [one for one in mine if one.was_started_before(aside.stat().st_ctime)]

    def bring(self, running: Container | None, *, rollback: bool) -> None:
        """Publish beside what runs, then swap the directories."""
        if rollback:
            if not self.previous.is_dir():
                raise RedeployError("there is no version before this one: ./publish.previous does not exist")
            say("bringing ./publish.previous back")
            shutil.copytree(self.previous, self.following)
        else:
            say(f"publishing {self.source}")
            command = ("dotnet", "publish", self.source, "-c", "Release", "-o", self.following)
            options = ("--nologo", "-v", "quiet")
            serverless = ("-nodeReuse:false", "-p:UseSharedCompilation=false")  # a server would hold the lock
            must(*command, *options, *serverless, fault="dotnet publish failed, so nothing has changed")
        make_readable(self.following)
        self.is_foreign = bool(running and not running.has_mounted(self.current))
        if self.current.is_dir():
            if same_files(self.current, self.following):
                say(SAME)
                return
            self.current.rename(ROOT / f"publish.of-{running.id[:12] if running else NOBODY}")
        self.following.rename(self.current)

    def commit(self) -> None:
        """See above."""
        if aside := self._aside():
            shutil.rmtree(self.previous, ignore_errors=True)
            aside.rename(self.following if self.is_foreign else self.previous)
        shutil.rmtree(self.following, ignore_errors=True)

    def abort(self) -> None:
        """See above."""
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
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def same_files(one: Path, other: Path) -> bool:
    """Tell whether two folders hold the same."""
    names, others = ({path.relative_to(top) for path in top.rglob("*") if path.is_file()} for top in (one, other))
    return names == others and all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)


class ImageVersion:
    """The app's image; its tags are the names."""

    def __init__(self, image: str) -> None:
        self.repository, tag = repository_and_tag(image)
        self.current = f"{self.repository}:{tag}"
        self.previous = f"{self.repository}:previous"
        self.is_first = False  # there was no image to set aside: compose.override.yaml was removed

    def owners(self, containers: list[Container]) -> list[Container] | None:
        """See above."""
        aside = self._aside()
        return [one for one in containers if one.id.startswith(aside.rpartition(":of-")[2])] if aside else None

    def bring(self, running: Container | None, *, rollback: bool) -> None:
        """Name the image that runs, then move the current name."""
        if rollback and not image(self.previous):
            raise RedeployError(f"there is no version before this one: the image {self.previous} does not exist")
        # One that ran ./publish until now runs the official image, which is no version of the app.
        is_ours = running and repository_and_tag(running.found["Config"]["Image"])[0] == self.repository
        old = running.image if running and is_ours else image(self.current).get("Id")
        self.is_first = not old
        if old:
            must("docker", "tag", old, f"{self.repository}:of-{running.id[:12] if running else NOBODY}")
        if rollback:
            say(f"bringing {self.previous} back")
            must("docker", "tag", self.previous, self.current)
        else:
            say(f"building {self.current}")
            must("docker", "compose", "build", "app", fault="the build of the image failed, so nothing has changed")
        if old == image(self.current)["Id"]:
            say(SAME)
            self.abort()

    def commit(self) -> None:
        """See above."""
        self._move_aside_to(self.previous)

    def abort(self) -> None:
        """See above."""
        self._move_aside_to(self.current)
        if self.is_first:
            run("docker", "image", "rm", self.current)  # or else `docker compose up` would take it for the app's

    def _move_aside_to(self, name: str) -> None:
        if aside := self._aside():
            replaced = image(name).get("Id", "")
            must("docker", "tag", aside, name)
            must("docker", "image", "rm", aside)
            if image(replaced).get("RepoTags") == []:
                run("docker", "image", "rm", replaced)

    def _aside(self) -> str | None:
        only = f"--filter=reference={self.repository}:of-*"
        lines = must("docker", "image", "ls", "--format=json", only).splitlines()
        return f"{self.repository}:{json.loads(lines[0])['Tag']}" if lines else None


def repository_and_tag(name: str) -> tuple[str, str]:
    """Take an image's name apart."""
    repository, colon, tag = name.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (name, "latest")


def image(name: str) -> dict[str, Any]:
    """Return what the engine knows of an image; nothing where it is not there."""
    found: list[dict[str, Any]] = json.loads(run("docker", "image", "inspect", name).stdout or "[]")
    return found[0] if found else {}


# ---- The app: handing over from the old version to the new ----


def redeploy(project: Project, *, rollback: bool, patience: float, watch: float) -> None:
    """Bring a new version of the app, or the one before."""
    settle(project)
    old = [one for one in project.containers("app") if one.is_up]
    survivors = old
    new: Container | None = None
    try:
        project.version.bring(old[0] if old else None, rollback=rollback)
        new = start(project, old)
        wait_until_healthy(new, patience)
        if not old or not project.h2o():
            say("starting what does not run yet")
            what = ("--no-deps", "h2o") if old else ()  # without a name, Compose would remove the second app
            must("docker", "compose", "up", "--detach", "--no-recreate", *what)
        see_it_serve(project, new, watch)
        project.version.commit()
        survivors = [new]
        for one in inspect(*(one.id for one in old)):
            say(f"{one.name} finishes its requests and stops")
            remove(one, at_once=False)  # unhealthy or not: it served
        see_it_serve(project, new)
    except Exception as stop:
        interruptions.ignored = True
        say("interrupted" if isinstance(stop, InterruptError) else "it failed: putting things right")
        bad = new if isinstance(stop, BadVersionError) and survivors == old else None  # later it is all that there is
        if isinstance(stop, BadVersionError) and bad:
            logged = run("docker", "logs", "--tail=20", bad.id)
            stop.details = f"The last lines of its log:\n{logged.stdout}{logged.stderr}"
        keeper = settle(project, survivors, bad)
        say(f"{keeper.name} serves" if keeper else "no version of the app serves")
        raise
    say(f"{new.name} serves now")


def start(project: Project, old: list[Container]) -> Container:
    """Start a container of what is current now, beside the old ones."""
    say(f"starting the new version beside {old[0].name}" if old else "the app does not run: starting it")
    beside = ("--no-deps", "--no-recreate", f"--scale=app={len(old) + 1}") if old else ()
    must("docker", "compose", "up", "--detach", "--no-build", *beside, "app")
    known = {one.id for one in old}
    new = next((one for one in project.containers("app") if one.is_up and one.id not in known), None)
    if not new:
        raise RedeployError("Compose started no second container: app may have neither ports nor a container_name")
    return new


def wait_until_healthy(new: Container, patience: float) -> None:
    """Wait for the container's health check, which asks its own instance and not the one that serves."""
    say(f"waiting until {new.name} is healthy")
    deadline = time.monotonic() + patience
    while check_running(new).health != "healthy":
        if time.monotonic() > deadline:
            raise BadVersionError(f"the new version was not healthy within {patience:g} s (--timeout)")
        pause()


def check_running(new: Container) -> Container:
    """Look at the new version again; it must have run without a break."""
    now = next(iter(inspect(new.id)), None)
    if not now:
        raise BadVersionError("the new version's container is gone")
    if now.found["RestartCount"] or now.status != "running":
        how = "" if now.status == "running" else f" with exit code {now.found['State']['ExitCode']}"
        raise BadVersionError(f"the new version has ended by itself{how}")
    return now


def see_it_serve(project: Project, new: Container, seconds: float = 0) -> None:
    """Wait until the new version answers through H2O, then see it do so for some seconds."""
    deadline = time.monotonic() + H2O_LIMIT
    since: float | None = None
    while True:
        check_running(new)
        if not command_in(new, "serves"):
            command_in(new, "take-over")  # an old version that crashed and came back has taken the path
        fault = probe(project)
        now = time.monotonic()
        if fault and (since or now > deadline):
            pause()
            check_running(new)  # the better reason
            raise fault
        if not fault and not since:
            since = now
            if seconds:
                say(f"it answers through H2O; watching it for {seconds:g} s")
        if since and now - since >= seconds:
            return
        pause()


def probe(project: Project) -> RedeployError | None:
    """Ask for /healthz over the socket as H2O sees it, which leads to the new version, and at the published address."""
    h2o = project.h2o()
    if not h2o:
        return RedeployError("H2O is not running: `docker compose logs h2o` tells why")
    conf = (ROOT / "h2o" / "h2o.conf").read_text(encoding="utf-8", errors="replace")
    if path := re.search(r"^[^#\n]*\[unix:([^]]+)\]", conf, re.MULTILINE):
        options = ("-sS", "-o", "/dev/null", "-m", str(PROBE_LIMIT), "-w", "%{http_code}", "--unix-socket", path[1])
        curl = run("docker", "exec", h2o.id, "curl", *options, "http://localhost/healthz")
        if curl.returncode not in (126, 127) and curl.stdout != "200":  # those two: this H2O's image has no curl
            return BadVersionError(f"/healthz over {path[1]}, as H2O sees it: {curl.stdout} {curl.stderr.strip()}")
    return ask(h2o)


def ask(h2o: Container) -> RedeployError | None:
    """Ask H2O for /healthz at the published address, on a connection of its own."""
    ports: dict[str, Any] = h2o.found["NetworkSettings"]["Ports"]
    bindings = ports.get("8080/tcp") or [one for several in ports.values() for one in several or []]
    if not bindings:
        return None
    host, port = bindings[0]["HostIp"], int(bindings[0]["HostPort"])
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    connection = http.client.HTTPConnection(host, port, timeout=PROBE_LIMIT)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost", "Connection": "close"})
        answer = str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        answer = str(error)
    finally:
        connection.close()
    return None if answer == "200" else RedeployError(f"H2O at {host}, port {port}, answers /healthz with: {answer}")


def command_in(one: Container, name: str) -> bool:
    """Run one of the app's commands in its container; return whether it succeeded.

    take-over: make the public path lead to it, if it is healthy. serves: does the path lead to it?
    """
    check: list[str] = one.found["Config"]["Healthcheck"]["Test"]  # [CMD, dotnet, NAME.dll, health]
    command = ("docker", "exec", one.id, *check[1:-1], name)
    return one.status == "running" and run(*command, limit=COMMAND_LIMIT).returncode == 0


def remove(one: Container, *, at_once: bool) -> None:
    """Stop a container and remove it. One that served finishes its requests; stop_grace_period is the limit."""
    run("docker", "stop", *(["-t", "2"] if at_once else []), one.id)
    run("docker", "rm", "--force", one.id)


def settle(
    project: Project, survivors: list[Container] | None = None, bad: Container | None = None
) -> Container | None:
    """Leave one healthy version, with the files or tags that belong to it; return it.

    After a failure the caller knows who should survive. At the start of a run nobody does, and one that was killed may
    have left two containers: the one that ran before survives if it is still healthy, or else the newest that is.
    """
    containers = project.containers("app")
    owners = project.version.owners(containers)
    if survivors is None and (owners is not None or len(containers) > 1):
        say("an earlier run was interrupted: putting right what it left")
    wanted = {one.id for one in (owners or [] if survivors is None else survivors)}
    keeper = None
    leaving: list[Container] = []
    if len(containers) > 1 or survivors is not None or owners is not None:
        trusted = [one for one in containers if not bad or one.id != bad.id]
        trusted.sort(key=lambda one: one.id not in wanted)
        keeper = next((one for one in trusted if command_in(one, "take-over")), None)
        if keeper:
            leaving = [one for one in containers if one != keeper]
        elif survivors is None and owners is None:
            leaving = [one for one in containers if not one.is_up]  # nobody knows better: the rest stays
        else:
            leaving = [one for one in containers if one.id not in wanted]
    for one in leaving:
        run("docker", "kill", "--signal=TERM", one.id)
    if keeper and leaving:
        command_in(keeper, "take-over")  # again: one that is leaving may have published itself, and taken the path away
    for one in leaving:
        say(f"removing {one.name}")
        remove(one, at_once=one.health != "healthy")
    if keeper and owners is not None and keeper.id not in wanted:
        project.version.commit()
    else:
        project.version.abort()
    return keeper


# ---- H2O: a changed h2o.conf ----


def reload_h2o(project: Project) -> None:
    """Let H2O's master start a worker with the changed h2o.conf; the old one finishes what it has begun."""
    h2o = project.h2o()
    if not h2o:
        raise RedeployError("H2O does not run: `docker compose up -d` starts it, with h2o.conf as it is now")
    words = [h2o.found["Path"], *h2o.found["Args"]]
    names = [PurePosixPath(word).name for word in words]
    command = words[names.index("h2o") :] if "h2o" in names else []  # before it, the image's entrypoint
    if "master" not in command or "-c" not in command:
        raise RedeployError("H2O does not run as `h2o -m master -c FILE`, so it cannot change its h2o.conf in service")
    say("testing h2o.conf")
    test = ("docker", "exec", h2o.id, command[0], "-t", "-c", command[command.index("-c") + 1])
    must(*test, fault="H2O refuses h2o.conf, and goes on with the one that it has")
    before = workers(h2o)
    say("starting a worker with it")
    # Not `docker kill`: without a stop_signal in compose.yaml, the engine (26.1) would no longer restart it afterwards.
    must("docker", "exec", h2o.id, "sh", "-c", "kill -HUP 1")
    lingering = wait_for_worker(h2o, before)
    if fault := ask(h2o):
        raise fault
    say("the new h2o.conf serves now" + ("; connections that are open end with the old one" if lingering else ""))
    configured = h2o.found["Config"]
    hash_now = must("docker", "compose", "config", "--hash=h2o").split()[-1]
    is_rebuilt = image(configured["Image"]).get("Id", h2o.image) != h2o.image
    if is_rebuilt or hash_now != configured["Labels"]["com.docker.compose.config-hash"]:
        what = "its image" if is_rebuilt else "compose.yaml"
        say(f"{what} has changed for h2o, too: that takes `docker compose up -d --timeout 1 h2o`, and a short outage")


def workers(h2o: Container) -> set[str]:
    """Return the ids of the master's processes."""
    rows = [row.split() for row in must("docker", "top", h2o.id, "-eo", "pid,ppid").splitlines()[1:]]
    first = {pid for pid, parent in rows if parent == str(h2o.found["State"]["Pid"])}
    second = {pid for pid, parent in rows if parent in first}
    return second or first  # with `init: true`, the first process is not the master, but its parent


def wait_for_worker(h2o: Container, before: set[str]) -> bool:
    """Wait until a new worker serves; return whether an old one still has open connections.

    The master ends the old worker when the new one has lived for a second, and starts another new one if it has not.
    """
    deadline = time.monotonic() + H2O_LIMIT
    fresh: set[str] = set()
    since = time.monotonic()
    while time.monotonic() < deadline:
        now = workers(h2o)
        if now - before != fresh:
            fresh, since = now - before, time.monotonic()
        lingering = bool(now & before)
        if fresh and (not lingering or time.monotonic() - since > H2O_STABLE):
            return lingering
        pause()
    raise RedeployError(
        "the new worker does not start, and the old one serves on. Bring the former h2o.conf back: H2O tries again "
        "each second. (Another `listen` takes `docker compose up -d --force-recreate h2o`.)",
        run("docker", "logs", "--tail=10", h2o.id).stderr,
    )


# ---- The command ----


def main() -> int:
    """Run the command; return its exit code."""
    global lock
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["app", "h2o"], default="app")
    parser.add_argument("--rollback", action="store_true", help="bring back the version of the app before this one")
    parser.add_argument("--timeout", type=float, default=60, metavar="S", help="seconds to become healthy in (60)")
    parser.add_argument("--watch", type=float, default=3, metavar="S", help="seconds to watch the new version for (3)")
    options = parser.parse_args()
    if options.what == "h2o" and options.rollback:
        parser.error("--rollback is for the app; bring the former h2o.conf back (git), then run `redeploy.py h2o`")
    try:
        lock = take_lock()
        interruptions.catch()
        project = Project()
        if options.what == "h2o":
            reload_h2o(project)
        else:
            redeploy(project, rollback=options.rollback, patience=options.timeout, watch=options.watch)
    except InterruptError:
        return 128 + interruptions.arrived
    except RedeployError as failure:
        lines = dict.fromkeys(line.rstrip() for line in failure.details.splitlines() if line.strip())
        print(f"redeploy.py: {failure}", *list(lines)[-25:], sep="\n    ", file=sys.stderr)
        return 1
    except OSError as error:
        # shutil.copytree collects what went wrong: source, target, reason
        reason = error.args[0][0][2] if isinstance(error, shutil.Error) else f"{error.strerror}: {error.filename}"
        print(f"redeploy.py: {reason}; run it again when that is mended", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
