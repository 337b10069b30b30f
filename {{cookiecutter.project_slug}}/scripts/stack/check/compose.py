"""What Compose makes of its files."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from stack.check.values import Value, is_on, items, mapping, text


@dataclass(frozen=True)
class Mount:
    """Something from outside in a container's file system."""

    kind: str  # volume, bind, tmpfs
    source: str
    target: str
    writable: bool
    made: bool  # Docker makes the host's folder where it is missing

    def as_option(self) -> str:
        """Return it as a value of `docker run --mount`, read-only: a row of CSV, since a path may hold a comma."""
        fields = (f"type={self.kind}", f"source={self.source}", f"target={self.target}", "readonly")
        return ",".join('"{}"'.format(field.replace('"', '""')) for field in fields)


class Model:
    """Services, volumes and networks in Compose's long forms."""

    def __init__(self, data: Value, label: str = "") -> None:
        self.label = label  # which file was left out
        self.services = {name: mapping(service) for name, service in mapping(data, "services").items()}
        self.volumes, self.networks = mapping(data, "volumes"), mapping(data, "networks")
        self.name = text(mapping(data).get("name"))

    def get(self, service: str, key: str) -> Value:
        """Return what the model says of a service."""
        return self.services.get(service, {}).get(key)

    def text(self, service: str, key: str) -> str:
        """Return a scalar that the model says of a service."""
        return text(self.get(service, key))

    def build_context(self, service: str) -> str:
        """Return the folder from which a service's image is built."""
        return text(mapping(self.get(service, "build")).get("context")) or "."

    def texts(self, service: str, path: str) -> list[str]:
        """Return the scalars, or the words of a command, at a path such as healthcheck.test."""
        *above, key = path.split(".")
        return [text(value) for value in items(mapping(self.services.get(service), *above).get(key))]

    def image(self, service: str) -> str:
        """Return the image of a service, which Compose names if compose.yaml does not."""
        return self.text(service, "image") or (f"{self.name}-{service}" if self.get(service, "build") else "")

    def mounts(self, service: str) -> list[Mount]:
        """Return all that a service mounts."""
        temporary = (text(entry).split(":")[0] for entry in items(self.get(service, "tmpfs")))
        found = [Mount("tmpfs", "", target, True, True) for target in temporary]
        for entry in map(mapping, items(self.get(service, "volumes"))):
            kind, source, target = (text(entry.get(key)) for key in ("type", "source", "target"))
            made = is_on(mapping(entry, "bind").get("create_host_path"))
            found.append(Mount(kind, source, target, not is_on(entry.get("read_only")), made))
        return [mount for mount in found if mount.target.startswith("/")]

    def holder(self, service: str, path: str) -> tuple[Mount, str] | None:
        """Return the mount that holds a path of a service's container, and the path's name in it."""
        path, held = posixpath.normpath(path), []
        for mount in self.mounts(service) if path.startswith("/") else ():
            target = posixpath.normpath(mount.target)
            if (path + "/").startswith(target.rstrip("/") + "/"):
                held.append((len(target), mount, posixpath.relpath(path, target)))
        return max(held, key=lambda one: one[0])[1:] if held else None

    def place_of(self, service: str, path: str) -> tuple[str, str] | None:
        """Return a volume, or a folder of the host, and the name that a path of the container has in it."""
        held = self.holder(service, path)
        return (held[0].source, held[1]) if held and held[0].kind in ("volume", "bind") and held[1] != "." else None
