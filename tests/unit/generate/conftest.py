"""A bake with no tools on PATH but those that a test writes."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.testkit.bake import REPO, cookiecutter
from tests.testkit.process import cannot_run, run


@pytest.fixture
def bin_dir(tmp_path: Path) -> Path:
    """The only folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def writer(program: Path) -> Callable[..., None]:
    """Return a function that writes a program of a few lines: what a tool's fault looks like from outside."""

    def write(*lines: str) -> None:
        program.write_text("\n".join(["#!/bin/sh", f"PATH={os.defpath}", *lines, ""]))
        program.chmod(0o755)

    return write


@pytest.fixture
def dotnet(bin_dir: Path) -> Callable[..., None]:
    """Writes a `dotnet`."""
    return writer(bin_dir / "dotnet")


@pytest.fixture
def docker(bin_dir: Path) -> Callable[..., None]:
    """Writes a `docker`."""
    return writer(bin_dir / "docker")


@pytest.fixture
def output_dir(tmp_path: Path) -> Path:
    """An empty folder to bake into."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def bake(bin_dir: Path, output_dir: Path) -> Callable[..., str]:
    """Bakes the default project, or with answers, and returns what was printed; fails where Cookiecutter does."""

    def run_it(*answers: str, **env: str) -> str:
        done = cookiecutter(REPO, output_dir, *answers, env={"PATH": str(bin_dir), **env})
        return done.stdout + done.stderr

    return run_it


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of eight megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode != 0:
        cannot_run(f"needs to mount a small disk, as root: {mounted.stderr.decode().strip()}")
    yield disk
    run("umount", disk)
