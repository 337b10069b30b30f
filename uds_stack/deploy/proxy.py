"""What a reload has to know of a proxy: the interface of each proxies/NAME/reload.py."""

from __future__ import annotations

from abc import ABC, abstractmethod

from uds_stack.deploy.containers import Container
from uds_stack.deploy.session import Session


class Proxy(ABC):
    """A proxy. Its service, and its folder in the project, have the name of its module."""

    title: str  # its name in messages
    config: str  # its configuration file, in its folder
    program: str  # its program, as the container's command line names it
    usage: str  # the command line without which it cannot reload its configuration

    @abstractmethod
    def can_reload(self, command: list[str]) -> bool:
        """Return whether the proxy reloads its configuration when it runs under this command line.

        It begins with `program`: an entrypoint before it is left out.
        """

    @abstractmethod
    def validate(self, command: list[str]) -> list[str]:
        """Return the command that validates, in the container, the configuration that this command line names."""

    @abstractmethod
    def reload(self, session: Session, container: Container, command: list[str]) -> bool:
        """Load the configuration and wait until it serves; return whether connections are left to the previous one.

        It has been validated. Raises DeployError where it does not serve; the previous one then stays in use. Loads
        what the configuration refers to, such as a renewed certificate, even where the file itself is unchanged.
        """

    @abstractmethod
    def find_upstream_socket(self, config: str) -> str | None:
        """Return the path of the socket that this text of a configuration sends requests to; None where it has none."""
