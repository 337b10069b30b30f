"""Bake, copy and edit a project."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.testkit.process import run

NO_ENGINE = "unix:///nowhere/docker.sock"
REPO = Path(__file__).resolve().parent.parent.parent


def cookiecutter(
    template: str | Path,
    output_dir: Path,
    *answers: str,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    engine: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run Cookiecutter with answers such as `http_port=8081`, without the user's configuration; return its result.

    With `engine`, its hook finds the Docker engine and builds the app's first image there.
    """
    env = {**({} if engine else {"DOCKER_HOST": NO_ENGINE}), **(env or {})}
    config = output_dir.parent / f"{output_dir.name}-cookiecutter.yaml"
    config.write_text(
        f"replay_dir: {output_dir.parent / 'replay'}\ncookiecutters_dir: {output_dir.parent / 'cookiecutters'}\n"
    )
    options: list[str | Path] = ["--no-input", "--config-file", config, "--output-dir", output_dir]
    return run(sys.executable, "-m", "cookiecutter", *options, template, *answers, env=env, check=check)


def edit(path: Path, old: str, new: str) -> None:
    """Replace `old`, which the file must contain, with `new`."""
    text = path.read_text()
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new))


def copy_project(source: Path, target: Path) -> Path:
    """Copy a generated project, symbolic links included, for a test that changes it."""
    return Path(shutil.copytree(source, target, symlinks=True))
