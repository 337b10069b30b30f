"""The containers of the project, as the engine knows them."""

from __future__ import annotations

import json
from typing import Any

from uds_stack.deploy.session import Session

COMMAND_LIMIT = 20  # seconds for one of the app's commands; a frozen container never answers


class Container:
    """A container, as it was when the engine was asked (`docker inspect` is in `found`)."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found = found
        self.id: str = found["Id"]
        self.name: str = found["Name"].lstrip("/")
        self.image: str = found["Image"]
        self.status: str = found["State"]["Status"]
        self.health: str = found["State"].get("Health", {}).get("Status", "")
        self.command: list[str] = [found["Path"], *found["Args"]]
        self.health_check: list[str] = (found["Config"].get("Healthcheck") or {}).get("Test") or []
        self.labels: dict[str, str] = found["Config"]["Labels"]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Container) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def is_up(self) -> bool:
        """Whether the engine keeps it going: it runs, or it crashed and is started again."""
        return self.status in ("running", "restarting", "paused")


def inspect(session: Session, *ids: str) -> list[Container]:
    """Look at containers; return them, the newest first, without those that are gone."""
    found = json.loads(session.run("docker", "container", "inspect", *ids).out or "[]") if ids else []
    return [Container(each) for each in sorted(found, key=lambda each: str(each["Created"]), reverse=True)]


def find(session: Session, *labels: str, stopped: bool = False) -> list[Container]:
    """Return the containers with these labels of Compose, the newest first; `stopped` includes those not running."""
    filters = [f"--filter=label=com.docker.compose.{label}" for label in labels]
    options = ["--all"] if stopped else []
    return inspect(session, *session.must("docker", "ps", "--quiet", "--no-trunc", *options, *filters).split())


def run_command(session: Session, container: Container, name: str) -> bool:
    """Run one of the app's commands in its container; return whether it succeeded.

    `serves`: does the public path of the socket lead to this instance? `take-over`: make it, if it is healthy. The
    health check's command, which ends with `health`, shows how the app is started.
    """
    command = ("docker", "exec", container.id, *container.health_check[1:-1], name)
    return container.status == "running" and session.run(*command, limit=COMMAND_LIMIT).code == 0


def remove(session: Session, container: Container, *, drain: bool) -> None:
    """Stop a container and remove it. `drain` lets it finish its requests, within stop_grace_period."""
    session.run("docker", "stop", *([] if drain else ["-t", "2"]), container.id)
    session.run("docker", "rm", "--force", container.id)
