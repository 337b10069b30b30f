"""What each image holds above its base: the size of its own layers, also compressed, as registries store them."""

import gzip
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report import markdown, say
from tests.testkit import combinations
from tests.testkit.process import run
from tests.testkit.stack import Project, project

MB = 1e6


@dataclass(frozen=True)
class Image:
    """An image of a stack: the combination of answers that it is built for, and its service."""

    title: str
    combination: str
    service: str


IMAGES = (
    Image("app, compiled at run time", "h2o", "app"),
    Image("app, compiled ahead of time", "h2o-native", "app"),
    Image("H2O", "h2o", "h2o"),
    Image("Caddy", "caddy", "caddy"),
)


@dataclass(frozen=True)
class Layers:
    """The layers that an image has above its base. Sizes are in bytes."""

    base: str
    base_size: int
    size: int
    compressed: int
    files: frozenset[str]  # the paths of what is neither a folder nor a mark of something removed


def inspect(image: str) -> dict[str, Any]:
    """Return `docker image inspect` of an image."""
    found: list[dict[str, Any]] = json.loads(run("docker", "image", "inspect", image).stdout)
    return found[0]


def base_of(dockerfile: Path) -> str:
    """Return the image from which a Dockerfile's last stage starts."""
    return [line.split()[1] for line in dockerfile.read_text().splitlines() if line.startswith("FROM ")][-1]


def read(files: tarfile.TarFile, name: str) -> bytes:
    """Return the content of a regular file of an archive."""
    with files.extractfile(name) or io.BytesIO() as file:
        return file.read()


def last_layers(image: str, number: int, folder: Path) -> list[bytes]:
    """Return an image's last layers, each a tar archive. `folder` takes a copy of the image for the moment."""
    archive = folder / "image.tar"
    run("docker", "save", "--output", archive, image, timeout=600)
    with tarfile.open(archive) as files:
        names = json.loads(read(files, "manifest.json"))[0]["Layers"]
        layers = [read(files, name) for name in names[len(names) - number :]]
    archive.unlink()
    return layers


def files_of(layer: bytes) -> set[str]:
    """Return the paths of a layer's files."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        return {file.name for file in archive if not file.isdir() and not Path(file.name).name.startswith(".wh.")}


def own_layers(stack: Project, service: str, folder: Path) -> Layers:
    """Build a service's image; return what it has above its base."""
    stack.compose("build", "--quiet", service)
    image = f"{stack.environment['COMPOSE_PROJECT_NAME']}-{service}"
    base = base_of(stack.root / ("" if service == "app" else service) / "Dockerfile")
    whole, below = inspect(image), inspect(base)
    layers = last_layers(image, len(whole["RootFS"]["Layers"]) - len(below["RootFS"]["Layers"]), folder)
    compressed = sum(len(gzip.compress(layer, compresslevel=6)) for layer in layers)
    files = frozenset().union(*map(files_of, layers))
    return Layers(base, below["Size"], whole["Size"] - below["Size"], compressed, files)


def build(image: Image, folder: Path) -> Layers:
    """Bake an image's project in a folder and build the image; return what it has above its base."""
    baked = combinations.bake(image.combination, folder / image.title)
    stack = project(baked, f"uds-stack-images-{image.combination}-{image.service}")
    try:
        return own_layers(stack, image.service, folder)
    finally:
        stack.remove()


def measure(folder: Path) -> str:
    """Measure in an empty folder; return a Markdown table."""
    rows = []
    for image in IMAGES:
        say(f"building: {image.title}")
        layers = build(image, folder)
        sizes = (layers.base_size, layers.size, layers.compressed)
        rows.append([image.title, f"`{layers.base}`", *(f"{size / MB:.2f}" for size in sizes)])
    return markdown(["image", "base", "base, MB", "own layers, MB", "compressed, MB"], rows)
