"""What programs answered about the project: Docker, Compose, and the proxy's own validator."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from uds_stack.check.query import Query


@dataclass(frozen=True)
class Tools:
    """The queries to these programs; None for each that was not started."""

    files_only: bool = True  # by request, no program was asked
    engine: Query | None = None  # `docker version`
    compose: Query | None = None  # the version of Compose
    resolved: Query | None = None  # what Compose makes of its files, as JSON
    proxy_test: Query | None = None  # the proxy's own validation of its configuration, in its image
    volume: Query | None = None  # the volume of the socket, where the engine has one

    @cached_property
    def no_compose(self) -> str:
        """Why Compose cannot be asked; empty where it can."""
        if not self.compose:
            return "Docker is not installed"
        if self.compose.failure or self.compose.result.code > 0:
            return f"Docker has no Compose ({self.compose.failure or self.compose.complaint})"
        return ""
