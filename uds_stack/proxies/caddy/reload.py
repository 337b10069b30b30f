"""Caddy: its own command `reload` loads the changed Caddyfile."""

from __future__ import annotations

import re

from uds_stack.deploy.containers import Container
from uds_stack.deploy.proxy import Proxy
from uds_stack.deploy.session import Session


class Caddy(Proxy):
    """Caddy, which replaces its configuration in its own process."""

    title = "Caddy"
    config = "Caddyfile"
    program = "caddy"
    usage = "caddy run --config FILE --adapter caddyfile"

    def can_reload(self, command: list[str]) -> bool:
        """Return whether there is a file to load."""
        return command[1:2] == ["run"] and "--config" in command

    def validate(self, command: list[str]) -> list[str]:
        """Return `caddy validate ...`."""
        return [command[0], "validate", *command[2:]]

    def reload(self, session: Session, container: Container, command: list[str]) -> bool:
        """Run `caddy reload`, which waits; `--force` also loads a renewed certificate."""
        reload = [command[0], "reload", "--force", *command[2:]]
        session.must("docker", "exec", container.id, *reload, fault="Caddy does not load the Caddyfile")
        return False

    def find_upstream_socket(self, config: str) -> str | None:
        """Return the path in the first `reverse_proxy unix/PATH`."""
        path = re.search(r"^[^#\n]*\breverse_proxy\s[^#\n]*\bunix/(/\S+)", config, re.MULTILINE)
        return path[1] if path else None
