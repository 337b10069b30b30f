"""Say what to do next with a new project."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from uds_stack.generate import certificate
from uds_stack.generate.source import install_command, quoted


def next_steps(project: Path, answers: Mapping[str, str], source: str, *, built: bool) -> list[str]:
    """Return the lines for the project in this folder, made with these answers.

    The command uds-stack is installed from `source`. Without a first image, `--build` builds the app even where an
    older project has left an image of the same name.
    """
    lines = [""]
    if not shutil.which("docker"):
        lines += [
            "Docker is missing: Engine 25 and Compose 2.24, or newer, are at https://docs.docker.com/engine/install/"
        ]
    first = "docker compose up" if built else "docker compose up --build"
    lines += [
        "Next:",
        f"    cd {quoted(_from_here(project))}",
        f"    {first:<34} the page: {_address(answers)}",
        *(["    docker compose up --build          after an edit of the app"] if built else []),
    ]
    if answers["__https"]:
        lines += certificate.explain(project)
    if answers["__kubernetes"]:
        lines += ["On Kubernetes: write your registry into kustomization.yaml first; README.md has the commands."]
    get = "uds-stack check; uds-stack deploy" if shutil.which("uds-stack") else install_command(source)
    return [
        *lines,
        "",
        "The command uds-stack checks the project after an edit, and deploys it without losing a request:",
        f"    {get}",
    ]


def _address(answers: Mapping[str, str]) -> str:
    """Return where the page will be."""
    return "https://localhost:8443" if answers["__https"] else f"http://localhost:{answers['http_port']}"


def _from_here(project: Path) -> str:
    """Return the project's folder, relative to the shell's working directory where that is above it."""
    here = Path(os.environ.get("PWD") or project)
    return str(project.relative_to(here)) if here in project.parents else str(project)
