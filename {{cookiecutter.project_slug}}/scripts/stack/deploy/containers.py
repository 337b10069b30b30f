"""What the engine has of the project."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from stack.deploy.session import run


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
