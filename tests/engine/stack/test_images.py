"""What the images hold: little, and nothing that only a build needs."""

import re
from pathlib import Path

import pytest

from bench.images import IMAGES, MB, Image, build

LIMITS = {  # MB above the base image
    "app, compiled at run time": 1,
    "app, compiled ahead of time": 15,
    "H2O": 80,  # most of it is Perl, for its master process
    "Caddy": 20,
}
# Caddy's layer is its program again, without a capability that the kernel would refuse: 48 MB, in a registry 17.
COMPRESSED = {"Caddy"}
NOT_NEEDED = re.compile(
    r"""^(?!.*/perl/).*\.(cs|csproj|slnx|pdb|dbg|nupkg|o|a|h)$  # sources, packages, symbols, outside of Perl's package
    |/web\.config$
    |^(root|home|tmp|src)/|/\.nuget/  # what a build leaves in its stage
    |^var/lib/apt/lists/|\.deb$  # what a package manager leaves
    |bin/(clang|gcc|cc|ld|make|apk)(-|$)""",
    re.VERBOSE,
)


@pytest.mark.engine
@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.title)
def test_image_adds_little_to_its_base(image: Image, tmp_path: Path) -> None:
    layers = build(image, tmp_path)

    own = layers.compressed if image.title in COMPRESSED else layers.size
    assert own < LIMITS[image.title] * MB
    assert sorted(filter(NOT_NEEDED.search, layers.files)) == []
