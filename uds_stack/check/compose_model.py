"""Read the model that Compose resolves: services, volumes and networks in their long forms."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from uds_stack.check.yaml_values import Value, is_on, items, mapping, text

APP = "app"  # the app's service; that of the proxy bears the proxy's name


class Mount(NamedTuple):
    """A volume, a folder of the host or a tmpfs in a container."""

    kind: str  # volume, bind, tmpfs
    source: str
    target: str
    writable: bool
    creates_source: bool  # Docker makes the host's folder where it is missing

    def as_option(self) -> str:
        """Return the mount as a value of `docker run --mount`, read-only: a row of CSV, for commas in paths."""
        fields = (f"type={self.kind}", f"source={self.source}", f"target={self.target}", "readonly")
        return ",".join('"{}"'.format(field.replace('"', '""')) for field in fields)


class ComposeModel:
    """Services, volumes and networks, resolved by Compose or by compose_fallback."""

    def __init__(self, data: Value) -> None:
        """Take the model's data; None where it is not known."""
        self.known = data is not None
        self.services = {name: mapping(service) for name, service in mapping(data, "services").items()}
        self.volumes, self.networks = mapping(data, "volumes"), mapping(data, "networks")
        self.name = text(mapping(data).get("name"))

    def get(self, service: str, key: str) -> Value:
        """Return a value of a service, or None."""
        return self.services.get(service, {}).get(key)

    def text(self, service: str, key: str) -> str:
        """Return a scalar of a service as text."""
        return text(self.get(service, key))

    def texts(self, service: str, path: str) -> list[str]:
        """Return the scalars, or the words of a command, at a path such as healthcheck.test."""
        *above, key = path.split(".")
        return [text(value) for value in items(mapping(self.services.get(service), *above).get(key))]

    def build_context(self, service: str) -> str:
        """Return the folder from which a service's image is built."""
        return text(mapping(self.get(service, "build")).get("context")) or "."

    def image(self, service: str) -> str:
        """Return the image of a service, which Compose names where compose.yaml does not."""
        return self.text(service, "image") or (f"{self.name}-{service}" if self.get(service, "build") else "")

    def mounts(self, service: str) -> list[Mount]:
        """Return everything that a service mounts."""
        temporary = (text(entry).split(":")[0] for entry in items(self.get(service, "tmpfs")))
        found = [Mount("tmpfs", "", target, True, True) for target in temporary]
        for entry in map(mapping, items(self.get(service, "volumes"))):
            kind, source, target = (text(entry.get(key)) for key in ("type", "source", "target"))
            creates_source = is_on(mapping(entry, "bind").get("create_host_path"))
            found.append(Mount(kind, source, target, not is_on(entry.get("read_only")), creates_source))
        return [mount for mount in found if mount.target.startswith("/")]

    def mount_of(self, service: str, path: str) -> tuple[Mount, str] | None:
        """Return the mount that holds a path of a service's container, and the path's name in it."""
        path, found = posixpath.normpath(path), []
        for mount in self.mounts(service) if path.startswith("/") else ():
            target = posixpath.normpath(mount.target)
            if (path + "/").startswith(target.rstrip("/") + "/"):
                found.append((len(target), mount, posixpath.relpath(path, target)))
        return max(found, key=lambda one: one[0])[1:] if found else None

    def shared_name(self, service: str, path: str) -> tuple[str, str] | None:
        """Return the volume, or folder of the host, that holds a path of a container, and the path's name in it."""
        found = self.mount_of(service, path)
        shared = found and found[0].kind in ("volume", "bind") and found[1] != "."
        return (found[0].source, found[1]) if found and shared else None
