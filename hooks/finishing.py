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
import publishing
from stack.process import Program
from stack.publishing import make_readable

CHECK_LIMIT = 120.0  # seconds
STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
PYTHON = "python" if sys.platform == "win32" else "python3"


def main(answers: Mapping[str, str], project: Path) -> None:
    """Finish the project in this folder. Takes Cookiecutter's context and the folder."""
    for name in STOPPING:
        signal.signal(name, _stop)
    if _is_compared(answers, project):
        publishing.remove_override(project)
        return
    make_readable(project / answers["__proxy"])
    publisher = publishing.Publisher(project, answers["project_slug"], answers["__dotnet_version"])
    report: list[str] = []
    try:
        publisher.start()
        # Beside the publish, and without compose.override.yaml: as in a clone of the project.
        report = check(project)
        publisher.finish()
    except KeyboardInterrupt:
        publisher.discard("interrupted")
    except OSError as error:
        publisher.discard(f"{error.strerror}: {error.filename}")
    if publisher.fault:
        console.warn(
            f"warning: not published: {publisher.fault}",
            f"The project in {project} is complete, without ./publish and compose.override.yaml:",
            "`docker compose up` in it builds the app's image from source, and needs nothing else.",
        )
    if publisher.fault != "interrupted":
        console.say(*report, *next_steps(project, answers, published=not publisher.fault))


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


def check(project: Path) -> list[str]:
    """Run the project's own check, and print its findings as a warning; return the lines to print if there are none."""
    program = Program([sys.executable, "-B", "scripts/check.py"], project, merge=True)
    try:
        ended = program.wait(CHECK_LIMIT)
    finally:
        program.end(at_once=True)
    program.wait(1)
    result = program.result()
    problem = result.problem if ended else f"was ended because it took longer than {CHECK_LIMIT:g} s"
    lines = [f"    {line}" for line in result.out.splitlines()]
    if not problem:
        return ["Checked with scripts/check.py:", *lines]
    console.warn(
        f"warning: the project's own check, scripts/check.py, {problem}:",
        *lines,
        f"The project stays as it is. After a change, run in it: {PYTHON} scripts/check.py",
    )
    return []


def next_steps(project: Path, answers: Mapping[str, str], *, published: bool) -> list[str]:
    """Return the lines that say what to do with the project in this folder, made with these answers."""
    proxy = answers["__proxy"]
    lines = [""]
    if not shutil.which("docker"):
        lines += [
            "Docker is missing: Engine 25 and Compose 2.24, or newer, are at https://docs.docker.com/engine/install/"
        ]
    lines += [
        "Next:",
        f"    cd {_quoted(_from_here(project))}",
        f"    docker compose up                  the page: http://localhost:{answers['http_port']}",
        f"    {PYTHON} scripts/redeploy.py        after an edit of the app",
        f"    {PYTHON} scripts/redeploy.py {proxy:<6} after an edit in {proxy}/",
    ]
    if published:
        lines += ["./publish is what runs: it does not follow an edit by itself, nor does `docker compose up --build`."]
    return lines


def _from_here(project: Path) -> str:
    """Return the project's folder, relative to the shell's working directory where that is above it."""
    here = Path(os.environ.get("PWD") or project)
    return str(project.relative_to(here)) if here in project.parents else str(project)


def _quoted(path: str) -> str:
    """Return a path as a shell takes it."""
    return f'"{path}"' if sys.platform == "win32" else shlex.quote(path)
