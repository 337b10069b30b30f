"""A `docker` of a few lines of shell, for the check to run."""

from pathlib import Path

from tests.unit.check.corpus import Report, check


def with_docker(project: Path, script: str, *options: str) -> Report:
    """Check a project on a machine whose `docker` is this script."""
    docker = project.parent / "bin/docker"
    docker.parent.mkdir(exist_ok=True)
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    return check(project, "--json", *options, docker=True, PATH=f"{docker.parent}:/usr/bin:/bin")
