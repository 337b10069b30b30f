"""Read the manifests: as `kubectl kustomize` renders them where kubectl is there, else as the files say."""

from __future__ import annotations

import posixpath
import re
from functools import cached_property
from typing import NamedTuple

import yaml

from uds_stack.check.folder import Folder, Place, TextFile
from uds_stack.check.option_interface import Option
from uds_stack.check.parsed_file import ParsedFile, Problem
from uds_stack.check.query import Queries
from uds_stack.check.yaml_values import Value, items, mapping, text

KUSTOMIZATION = "kustomization.yaml"
POD = ("spec", "template", "spec")
CONTAINERS = ("initContainers", "containers")


class Mount(NamedTuple):
    """A volume in a container."""

    volume: str
    path: str  # in the container
    name: str  # of a file or folder in the volume

    @property
    def folder(self) -> str:
        """The folder of the volume that holds the name; empty for the volume itself."""
        return posixpath.dirname(self.name)


class Image(NamedTuple):
    """Where the cluster pulls an image from."""

    name: str
    place: Place


class Kubernetes(Option):
    """kustomization.yaml and the manifests that it lists."""

    file = KUSTOMIZATION

    def __init__(self, folder: Folder, queries: Queries) -> None:
        """Start kubectl, where it is there, to render the manifests."""
        self._folder = folder
        self.rendering = queries.ask("kubectl", "kustomize", ".") if queries.find("kubectl") else None

    @property
    def unread(self) -> list[Problem]:
        """The patches and folders that kubectl alone reads."""
        problem = "kubectl is not installed: the manifests were read without patches"
        return [] if self.rendering else [Problem((self.file, 1), problem, "run this where kubectl is installed")]

    @cached_property
    def kustomization(self) -> ParsedFile:
        """The kustomization; empty where it cannot be read."""
        return ParsedFile(self.file, self._folder.read(self.file).text)

    @cached_property
    def texts(self) -> list[TextFile]:
        """The kustomization, and the files that it lists. Folders and addresses are left to kubectl."""
        listed = [text(name) for name in items(mapping(self.kustomization.data).get("resources"))]
        own = [name for name in listed if name.endswith((".yaml", ".yml")) and "://" not in name]
        return [self._folder.read(self._folder.relative(name)) for name in (self.file, *own)]

    @cached_property
    def parsed(self) -> list[ParsedFile]:
        """The documents of these files, the kustomization first."""
        manifests = [file for file in self.texts[1:] if not file.problem]
        return [self.kustomization, *(document for file in manifests for document in _split(file))]

    @cached_property
    def resources(self) -> list[Value]:
        """Every manifest, as mappings."""
        if self.rendering and self.rendering.result.code == 0:
            try:
                return list(yaml.safe_load_all(self.rendering.result.out))
            except (yaml.YAMLError, ValueError, RecursionError):
                pass
        return [document.data for document in self.parsed[1:]]

    def find(self, kind: str) -> dict[str, Value]:
        """Return the first manifest of a kind, or an empty one."""
        return next((one for one in map(mapping, self.resources) if one.get("kind") == kind), {})

    @property
    def pod(self) -> dict[str, Value]:
        """The pod of the Deployment."""
        return mapping(self.find("Deployment"), *POD)

    def container(self, name: str) -> dict[str, Value]:
        """Return a container of the pod, or an empty one."""
        return next((one for key in CONTAINERS for one in _containers(self.pod, key) if _named(one, name)), {})

    def is_sidecar(self, name: str) -> bool:
        """Return whether a container starts before the others, and stops after them."""
        found = next((one for one in _containers(self.pod, CONTAINERS[0]) if _named(one, name)), {})
        return text(found.get("restartPolicy")) == "Always"

    def mount_of(self, name: str, path: str) -> Mount | None:
        """Return the volume that holds a path of a container."""
        found = []
        for mount in map(mapping, items(self.container(name).get("volumeMounts"))):
            target = posixpath.normpath(text(mount.get("mountPath")) or "/")
            if (path + "/").startswith(target.rstrip("/") + "/"):
                inside = posixpath.join(text(mount.get("subPath")), posixpath.relpath(path, target))
                found.append(Mount(text(mount.get("name")), target, posixpath.normpath(inside)))
        return max(found, key=lambda one: len(one.path)) if found else None

    def volume(self, name: str) -> dict[str, Value]:
        """Return a volume of the pod, or an empty one."""
        return next((one for one in map(mapping, items(self.pod.get("volumes"))) if _named(one, name)), {})

    def port(self, container: str, value: Value) -> str:
        """Return the number of a container's port that is given by number or by name; empty for an unknown name."""
        ports = map(mapping, items(self.container(container).get("ports")))
        named = {text(one.get("name")): text(one.get("containerPort")) for one in ports}
        return text(value) if text(value).isdigit() else named.get(text(value), "")

    @property
    def images(self) -> list[Image]:
        """What the kustomization makes of the images' names."""
        found = []
        for i, one in enumerate(map(mapping, items(mapping(self.kustomization.data).get("images")))):
            key = "newName" if "newName" in one else "name"
            found.append(Image(text(one.get(key)), self.kustomization.find(("images", i, key))[1]))
        return found

    def generated(self, config_map: str) -> tuple[dict[str, str], Place]:
        """Return the files of a ConfigMap by key, and the line where they are listed; none for one of other making."""
        for i, one in enumerate(map(mapping, items(mapping(self.kustomization.data).get("configMapGenerator")))):
            if re.fullmatch(re.escape(text(one.get("name"))) + "(-[a-z0-9]{10})?", config_map):
                rows = [text(row).rpartition("=") for row in items(one.get("files"))]
                files = {key or posixpath.basename(path): path for key, _, path in rows}
                return files, self.kustomization.find(("configMapGenerator", i, "files"))[1]
        return {}, self.kustomization.find(("configMapGenerator",))[1]

    def at(self, kind: str, *path: str | int) -> Place:
        """Return the line of a key of the first manifest of a kind, or of the nearest key above it."""
        for document in self.parsed[1:]:
            if text(mapping(document.data).get("kind")) == kind:
                return document.find(path)[1]
        return self.file, 1

    def at_pod(self, *path: str) -> Place:
        """Return the line of a key of the pod."""
        return self.at("Deployment", *POD, *path)

    def at_container(self, name: str, *path: str | int) -> Place:
        """Return the line of a key of a container."""
        for document in self.parsed[1:]:
            for key in CONTAINERS:
                for i, one in enumerate(_containers(mapping(document.data, *POD), key)):
                    if _named(one, name):
                        return document.find((*POD, key, i, *path))[1]
        return self.at_pod()


def _containers(pod: Value, key: str) -> list[dict[str, Value]]:
    return [mapping(one) for one in items(mapping(pod).get(key))]


def _named(value: dict[str, Value], name: str) -> bool:
    return text(value.get("name")) == name


def _split(file: TextFile) -> list[ParsedFile]:
    """Parse each document of a file; each keeps the line numbers of the file."""
    found, line = [], 0
    for part in re.split(r"(?m)^---(?=\s|$)", file.text):
        if re.search(r"(?m)^\s*[^\s#]", part):
            found.append(ParsedFile(file.name, "\n" * line + part))
        line += part.count("\n")
    return found
