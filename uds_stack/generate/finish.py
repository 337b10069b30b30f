"""Finish a new project: publish the app, check the project, build the app's first image, say what to do next.

Nothing here fails: a project that was generated stays, and a warning says what is missing and what to run.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from uds_stack.generate import certificate, console, publish, signals
from uds_stack.generate.first_image import FirstImage, NoImageError

# What the check finds in each new project: its owner alone knows the registry. The next steps name it.
LEFT_TO_THE_OWNER = {"kubernetes-image"}


def main(answers: Mapping[str, str], project: Path) -> None:
    """Finish the project in this folder. Takes Cookiecutter's context and the folder."""
    signals.listen()
    if _is_compared(answers, project):
        return
    remove_empty_folders(project)
    publish.make_readable(project / answers["__proxy"])
    if answers["__https"] and (fault := certificate.make_certificate(project)):
        console.warn(f"warning: no certificate: {fault}")
    slug, version = answers["project_slug"], answers["__dotnet_version"]
    publisher = publish.Publisher(project, slug, version, native=bool(answers["__native_aot"]))
    report: list[str] = []
    try:
        publisher.start()
        report = check(project)  # beside the publish
        publisher.finish()
    except KeyboardInterrupt:
        publisher.discard("interrupted")
    except OSError as error:
        publisher.discard(f"{error.strerror}: {error.filename}")
    if publisher.is_left_to_image:
        console.say(f"Not published: {publisher.fault}. The first `docker compose up` builds the app from source.")
    elif publisher.fault:
        console.warn(
            f"warning: not published: {publisher.fault}",
            f"The project in {project} is complete; `docker compose up --build` in it builds the app from source.",
        )
    if publisher.fault == "interrupted":
        return
    try:
        built = not publisher.fault and build_first_image(answers, project, publisher.limit)
    except KeyboardInterrupt:
        console.warn("warning: no first image: interrupted; `docker compose up --build` builds the app from source.")
        return
    console.say(*report, *next_steps(project, answers, built=built))


def build_first_image(answers: Mapping[str, str], project: Path, limit: float) -> bool:
    """Build the app's first image from ./publish, or say why there is none; return whether it is there."""
    if not shutil.which("docker"):
        return False  # the next steps say so
    base, command = f"mcr.microsoft.com/dotnet/{answers['__app_image']}", answers["__app_command"].split()
    native = bool(answers["__native_aot"])
    try:
        FirstImage(project, base, command, limit=limit, native=native).build()
    except NoImageError as fault:
        console.say(f"No first image: {fault}. The first `docker compose up --build` builds the app from source.")
        return False
    return True


def _is_compared(answers: Mapping[str, str], project: Path) -> bool:
    """Tell whether cruft generates this project only to compare it with another, and then to delete it.

    `cruft update` would take each difference between two builds into the user's project.
    """
    by_cruft = "_repo_dir" not in answers
    return by_cruft and Path(tempfile.gettempdir()).resolve() in project.resolve().parents


def remove_empty_folders(project: Path) -> None:
    """Remove the folders of options that are off: Cookiecutter makes a folder whether or not a file comes into it.

    Only those that the template has: where a project is generated over an old one, other folders are the user's.
    """
    template = next(Path(__file__).parents[2].glob("{{*}}"))
    for path in sorted(template.glob("**/"), reverse=True):  # the inner ones first
        with contextlib.suppress(OSError):  # not empty, or with a variable in its name
            (project / path.relative_to(template)).rmdir()


def check(project: Path) -> list[str]:
    """Check the project with its own rules; return the lines to print. An error is printed at once, as a warning."""
    from uds_stack.check import report  # here, because the publish need not wait for it

    try:
        found = [one for one in report.report(project, files_only=True) if one.code not in LEFT_TO_THE_OWNER]
    except Exception as error:
        lines, consistent = [repr(error)], False
    else:
        lines, consistent = report.lines(found), not report.failed(found)
    lines = [f"    {line}" for line in lines]
    if consistent:
        return ["Checked with uds-stack check:", *lines]
    console.warn(
        "warning: uds-stack check does not accept the project:",
        *lines,
        "The project is kept. After a change, run in it: uds-stack check",
    )
    return []


def next_steps(project: Path, answers: Mapping[str, str], *, built: bool) -> list[str]:
    """Return the lines that say what to do with the project in this folder, made with these answers.

    Without a first image, `--build` builds the app even where an older project has left an image of the same name.
    """
    proxy = answers["__proxy"]
    lines = [""]
    if not shutil.which("docker"):
        lines += [
            "Docker is missing: Engine 25 and Compose 2.24, or newer, are at https://docs.docker.com/engine/install/"
        ]
    first = "docker compose up" if built else "docker compose up --build"
    lines += [
        "Next:",
        f"    cd {_quoted(_from_here(project))}",
        f"    {first:<34} the page: {_address(answers)}",
        *(["    docker compose up --build          after an edit of the app"] if built else []),
        "    uds-stack deploy                   after an edit, without a lost request",
        f"    uds-stack reload                   after an edit in {proxy}/",
    ]
    if answers["__https"]:
        lines += certificate.explain(project)
    if answers["__kubernetes"]:
        lines += ["On Kubernetes: write your registry into kustomization.yaml first; README.md has the commands."]
    return lines


def _address(answers: Mapping[str, str]) -> str:
    """Return where the page will be."""
    return "https://localhost:8443" if answers["__https"] else f"http://localhost:{answers['http_port']}"


def _from_here(project: Path) -> str:
    """Return the project's folder, relative to the shell's working directory where that is above it."""
    here = Path(os.environ.get("PWD") or project)
    return str(project.relative_to(here)) if here in project.parents else str(project)


def _quoted(path: str) -> str:
    """Return a path as a shell takes it."""
    return f'"{path}"' if sys.platform == "win32" else shlex.quote(path)
