"""Finish a new project: publish the app, let the project check itself, say what to do next.

Nothing here fails: a project that was generated stays, and a warning says what is missing and what to run.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn

import console
import programs
import publishing

CHECK_LIMIT = 120.0
STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
PYTHON = "python" if sys.platform == "win32" else "python3"


def main(answers: Mapping[str, str], project: Path) -> None:
    """Finish the project in this folder. Takes Cookiecutter's context and the folder."""
    for name in STOPPING:
        signal.signal(name, _stop)
    if _is_compared(answers, project):
        publishing.remove_override(project)
        return
    publishing.make_readable(project / "h2o")
    fault = publishing.publish(project, answers["project_slug"], answers["__dotnet_version"])
    if fault:
        console.warn(
            f"warning: not published: {fault}",
            f"The project in {project} is complete, without ./publish and compose.override.yaml:",
            "`docker compose up` in it builds the app's image from source, and needs nothing else.",
        )
    if fault == "interrupted":
        return
    try:
        check(project)
    except KeyboardInterrupt:
        console.warn(f"warning: interrupted. The project is complete. To check it, run {PYTHON} scripts/check.py.")
        return
    console.say(*next_steps(project, answers["http_port"], published=not fault))


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """Answer Ctrl-C and its like once. Another must not come between what is left half done and its removal."""
    for name in STOPPING:
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt


def _is_compared(answers: Mapping[str, str], project: Path) -> bool:
    """Tell whether cruft generates this project only to compare it with another, and then to delete it.

    `cruft update` would take each difference between two builds into the user's project.
    """
    by_cruft = "_repo_dir" not in answers
    return by_cruft and Path(tempfile.gettempdir()).resolve() in project.resolve().parents


def check(project: Path) -> None:
    """Let the project check itself, and print what it finds."""
    result = programs.run([sys.executable, "scripts/check.py"], project, CHECK_LIMIT)
    report = [f"    {line}" for line in result.output]
    if result.problem:
        console.warn(
            f"warning: the project's own check, scripts/check.py, {result.problem}:",
            *report,
            f"The project stays as it is. After a change, run in it: {PYTHON} scripts/check.py",
        )
    else:
        console.say(f"Checked with scripts/check.py in {result.seconds:.1f} s.", *report)


def next_steps(project: Path, port: str, *, published: bool) -> list[str]:
    """Return the lines that say what to do with the project in this folder, whose page will be on this port."""
    lines = [""]
    if not shutil.which("docker"):
        lines += [
            "Docker is missing: Engine 25 and Compose 2.24, or newer, are at https://docs.docker.com/engine/install/"
        ]
    lines += [
        "Next:",
        f"    cd {_quoted(_from_here(project))}",
        f"    docker compose up                  the page: http://localhost:{port}",
        f"    {PYTHON} scripts/redeploy.py        after an edit of the app",
        f"    {PYTHON} scripts/redeploy.py h2o    after an edit of h2o/h2o.conf",
    ]
    if published:
        lines += ["./publish is what runs: it does not follow an edit by itself, nor does `docker compose up --build`."]
    return lines


def _from_here(project: Path) -> str:
    """Return the shortest way to the project from where its maker stands, as far as the shell tells that."""
    here = Path(os.environ.get("PWD") or project)
    return str(project.relative_to(here)) if here in project.parents else str(project)


def _quoted(path: str) -> str:
    """Return a path as a shell takes it."""
    return f'"{path}"' if sys.platform == "win32" else shlex.quote(path)
