"""What the two kinds of version have in common: ./publish, and an image that is built from source.

One previous version is kept. While a run has not decided between the new version and the old one, the old one is set
aside under a name that holds the id of the container that runs it. So a run that was killed leaves all that the next
one has to know.
"""

from __future__ import annotations

from typing import Protocol

from uds_stack.deploy.containers import Container

UNCHANGED = "the build is unchanged: the previous version stays what it is"


class Version(Protocol):
    """What containers of the app are created from. `stage`, then `promote` or `roll_back`; each is safe to repeat."""

    def find_replaced(self, containers: list[Container]) -> list[Container] | None:
        """Return those of the containers that run the version set aside; None where none is, since all is decided."""

    def stage(self, running: Container | None, *, rollback: bool) -> None:
        """Set the version that runs aside, and make a new one current: from source, or the previous one (`rollback`).

        Raises DeployError where that fails; nothing that runs has changed then.
        """

    def promote(self) -> None:
        """Keep the new version: the one that was set aside becomes the previous one."""

    def roll_back(self) -> None:
        """Make the version that was set aside current again, and discard the new one."""


def aside_name(running: Container | None) -> str:
    """Return the name, or tag, of what is set aside and runs in this container."""
    return f"of-{running.id[:12] if running else 'none'}"


def runs_aside(container: Container, aside: str) -> bool:
    """Return whether a container is the one that such a name, or tag, tells of."""
    return container.id.startswith(aside.rpartition("of-")[2])
