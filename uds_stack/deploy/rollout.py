"""Deploy the app: start the new version beside the old one, and hand over."""

from __future__ import annotations

import time

from uds_stack.deploy.containers import Container, inspect, remove
from uds_stack.deploy.probe import check_running, wait_until_served
from uds_stack.deploy.project import APP, Project
from uds_stack.deploy.recovery import recover, recover_interrupted
from uds_stack.deploy.session import BadVersionError, DeployError, InterruptError


def deploy(project: Project, *, rollback: bool, timeout: float, watch: float) -> None:
    """Deploy the sources, or the previous version (`rollback`).

    The old version serves until the new one is healthy, within `timeout` seconds, and has answered through the proxy
    for `watch` seconds. Then it drains and is removed. If the new version fails, or the run is interrupted, the old one
    stays, and what went wrong is raised.
    """
    recover_interrupted(project)
    rollout = Rollout(project)
    try:
        rollout.stage(rollback=rollback)
        new = rollout.start(timeout)
        rollout.hand_over(new, watch)
        rollout.drain(new)
    except Exception as cause:
        rollout.roll_back(cause)
        raise


class Rollout:
    """One new version of the app on its way."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.session = project.session
        self.old = [each for each in project.containers(APP) if each.is_up]
        self.new: Container | None = None
        self.is_promoted = False

    def stage(self, *, rollback: bool) -> None:
        """Make the new version current, and set the old one aside."""
        self.project.version.stage(self.old[0] if self.old else None, rollback=rollback)

    def start(self, timeout: float) -> Container:
        """Start a container of the new version beside the old ones, wait until it is healthy, and return it."""
        old = self.old
        self.session.say(
            f"starting the new version beside {old[0].name}" if old else f"starting {APP}: it is not running"
        )
        beside = ("--no-deps", "--no-recreate", f"--scale={APP}={len(old) + 1}") if old else ()
        self.session.must("docker", "compose", "up", "--detach", "--no-build", *beside, APP)
        up = [each for each in self.project.containers(APP) if each.is_up]
        new = self.new = next((each for each in up if each not in old), None)
        if not new:
            raise DeployError(
                f"Compose started no second container: remove `ports` and `container_name` from {APP} in compose.yaml"
            )
        self.session.say(f"waiting for {new.name} to become healthy")
        deadline = time.monotonic() + timeout
        while check_running(self.project, new).health != "healthy":  # by its own instance, not the one that serves
            if time.monotonic() > deadline:
                raise BadVersionError(f"the new version was not healthy within {timeout:g} s (--timeout)")
            self.session.pause()
        return new

    def hand_over(self, new: Container, watch: float) -> None:
        """See the new version serve through the proxy, then promote it."""
        if not self.old or not self.project.running_proxy():
            self.session.say("starting the services that are not running")
            # Without a service's name, Compose would remove the second container of the app.
            what = ("--no-deps", self.project.proxy_service) if self.old else ()
            self.session.must("docker", "compose", "up", "--detach", "--no-recreate", *what)
        wait_until_served(self.project, new, watch)
        self.project.version.promote()
        self.is_promoted = True

    def drain(self, new: Container) -> None:
        """Let the old version finish its requests, remove it, and see the new one serve."""
        for container in inspect(self.session, *(each.id for each in self.old)):
            self.session.say(f"draining {container.name}")
            remove(self.session, container, drain=True)  # unhealthy or not: it served
        wait_until_served(self.project, new)
        self.session.say(f"deployed: {new.name} is serving")

    def roll_back(self, cause: Exception) -> None:
        """Go back to the old version. Once the new one is promoted, stay with it."""
        self.session.finish()
        what = "interrupted" if isinstance(cause, InterruptError) else "failed"
        self.session.say(f"{what}: {'finishing' if self.is_promoted else 'rolling back'}")
        failed = None
        if isinstance(cause, BadVersionError) and self.new and not self.is_promoted:
            failed = self.new
            logs = self.session.run("docker", "logs", "--tail=20", failed.id)
            cause.details = f"The last lines of its log:\n{logs.out}{logs.err}"
        candidates = [self.new] if self.is_promoted and self.new else self.old
        active = recover(self.project, candidates, failed)
        self.session.say(f"{active.name} is serving" if active else "no version of the app is serving")
