"""The versions of the app: its image, which is built from source, and the one before.

One previous version is kept. While a run has not decided between the new version and the old one, the old one is set
aside under a tag that holds the id of the container that runs it. So a run that was killed leaves all that the next one
needs.
"""

from __future__ import annotations

import json
from typing import Any

from uds_stack.deploy.containers import Container
from uds_stack.deploy.session import DeployError, Session

UNCHANGED = "the build is unchanged, so the previous version is kept"


class ImageVersion:
    """The app's image. Its tags mark the current version, the previous one, and the one that is set aside.

    `stage`, then `promote` or `roll_back`; each is safe to repeat.
    """

    def __init__(self, session: Session, service: str, image: str) -> None:
        self.session = session
        self.service = service
        self.repository, tag = split_name(image)
        self.current = f"{self.repository}:{tag}"
        self.previous = f"{self.repository}:previous"
        self.is_first = False  # there was no image to set aside

    def find_replaced(self, containers: list[Container]) -> list[Container] | None:
        """Return those of the containers that run the version set aside; None where none is, since all is decided."""
        aside = self._aside()
        return [each for each in containers if each.id.startswith(aside.rpartition("of-")[2])] if aside else None

    def stage(self, running: Container | None, *, rollback: bool) -> None:
        """Tag the image that runs, then build the new one, or move the current tag to the previous one (`rollback`).

        Raises DeployError where that fails; nothing that runs has changed then.
        """
        if rollback and not inspect_image(self.session, self.previous):
            raise DeployError(f"there is no previous version: the image {self.previous} does not exist")
        # A container that ran compose.publish.yaml until now has the official image, which is no version of the app.
        is_ours = running and split_name(running.found["Config"]["Image"])[0] == self.repository
        old = running.image if running and is_ours else inspect_image(self.session, self.current).get("Id")
        self.is_first = not old
        if old:
            self.session.must("docker", "tag", old, f"{self.repository}:of-{running.id[:12] if running else 'none'}")
        if rollback:
            self.session.say(f"restoring {self.previous}")
            self.session.must("docker", "tag", self.previous, self.current)
        else:
            self.session.say(f"building {self.current}")
            build = ("docker", "compose", "build", self.service)
            self.session.must(*build, fault="docker compose build failed, and the running version is unchanged")
        if old == inspect_image(self.session, self.current)["Id"]:
            self.session.say(UNCHANGED)
            self.roll_back()

    def promote(self) -> None:
        """Keep the new image: the one that was set aside gets the tag "previous"."""
        self._move_aside_to(self.previous)

    def roll_back(self) -> None:
        """Give the current tag back to the image that was set aside."""
        self._move_aside_to(self.current)
        if self.is_first:
            # Otherwise `docker compose up` would run it.
            self.session.run("docker", "image", "rm", self.current)

    def _move_aside_to(self, name: str) -> None:
        if aside := self._aside():
            replaced = inspect_image(self.session, name).get("Id", "")
            self.session.must("docker", "tag", aside, name)
            self.session.must("docker", "image", "rm", aside)
            if inspect_image(self.session, replaced).get("RepoTags") == []:
                self.session.run("docker", "image", "rm", replaced)

    def _aside(self) -> str | None:
        only = f"--filter=reference={self.repository}:of-*"
        lines = self.session.must("docker", "image", "ls", "--format=json", only).splitlines()
        return f"{self.repository}:{json.loads(lines[0])['Tag']}" if lines else None


def split_name(name: str) -> tuple[str, str]:
    """Return the repository and the tag of an image's name.

    Without Docker Hub's own name: `docker image ls` finds nothing by a filter with it.
    """
    for hub in ("docker.io/", "index.docker.io/", "library/"):
        name = name[len(hub) :] if name.startswith(hub) else name
    repository, colon, tag = name.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (name, "latest")


def inspect_image(session: Session, name: str) -> dict[str, Any]:
    """Return what the engine knows of an image; nothing where it does not exist."""
    found: list[dict[str, Any]] = json.loads(session.run("docker", "image", "inspect", name).out or "[]")
    return found[0] if found else {}
