"""The app: handing over from the old version to the new."""

from __future__ import annotations

import time

from stack.deploy.containers import Container, inspect
from stack.deploy.probe import check_running, command_in, probe
from stack.deploy.project import Project
from stack.deploy.recovery import remove, settle
from stack.deploy.session import (
    H2O_LIMIT,
    BadVersionError,
    InterruptError,
    RedeployError,
    interruptions,
    must,
    pause,
    run,
    say,
)


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
