"""What each image holds above its base: the size of its own layers, also compressed, as registries store them."""

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from bench.report import markdown, say
from tests.testkit import combinations
from tests.testkit.process import run
from tests.testkit.stack import Project, project

# The images of a stack, and the combination of answers that each is built for.
IMAGES = {
    "app, compiled at run time": ("h2o", "app"),
    "app, compiled ahead of time": ("h2o-native", "app"),
    "H2O": ("h2o", "h2o"),
    "nginx": ("nginx", "nginx"),
    "Caddy": ("caddy", "caddy"),
}
MB = 1e6


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


def compressed_size(image: str, layers: int, folder: Path) -> int:
    """Return the bytes of an image's last layers, each compressed by gzip. `folder` takes a copy of the image."""
    archive = folder / "image.tar"
    run("docker", "save", "--output", archive, image, timeout=600)
    with tarfile.open(archive) as files:
        names = json.loads(read(files, "manifest.json"))[0]["Layers"]
        size = sum(len(gzip.compress(read(files, name), compresslevel=6)) for name in names[len(names) - layers :])
    archive.unlink()
    return size


def measure_image(stack: Project, service: str, folder: Path) -> list[str]:
    """Build a service's image; return its base, and in MB the base's size, its own layers, and those compressed."""
    stack.compose("build", "--quiet", service)
    image = f"{stack.environment['COMPOSE_PROJECT_NAME']}-{service}"
    base = base_of(stack.root / ("" if service == "app" else service) / "Dockerfile")
    whole, below = inspect(image), inspect(base)
    layers = len(whole["RootFS"]["Layers"]) - len(below["RootFS"]["Layers"])
    sizes = (below["Size"], whole["Size"] - below["Size"], compressed_size(image, layers, folder))
    return [f"`{base}`", *(f"{size / MB:.2f}" for size in sizes)]


def measure(folder: Path) -> str:
    """Measure in an empty folder; return a Markdown table."""
    rows = []
    for title, (combination, service) in IMAGES.items():
        root = folder / title
        baked = combinations.bake(combination, root)
        (baked / "compose.override.yaml").unlink()  # the app's image is built from source
        stack = project(baked, f"uds-stack-images-{combination}")
        say(f"building: {title}")
        try:
            rows.append([title, *measure_image(stack, service, folder)])
        finally:
            stack.remove()
    return markdown(["image", "base", "base, MB", "own layers, MB", "compressed, MB"], rows)
