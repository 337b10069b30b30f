"""Finish a new project: publish the app, check the project, build the app's first image, say what to do next.

Nothing here fails: a project that was generated stays, and a warning says what is missing and what to run.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from uds_stack.generate import certificate, console, signals, source
from uds_stack.generate.first_image import FirstImage, NoImageError
from uds_stack.generate.next_steps import next_steps
from uds_stack.generate.publish import Publisher, make_readable

# What the check finds in each new project: its owner alone knows the registry. The next steps name it.
LEFT_TO_THE_OWNER = {"kubernetes-image"}
INTERRUPTED = "interrupted"  # instead of a fault


def main(answers: Mapping[str, str], project: Path) -> None:
    """Finish the project in this folder. Takes Cookiecutter's context and the folder."""
    signals.listen()
    installed_from = source.source_of(answers)
    source.name_in_readme(project, answers, installed_from)
    if is_compared(answers, project):
        return
    publisher = Publisher(
        project, answers["project_slug"], answers["__dotnet_version"], native=bool(answers["__native_aot"])
    )
    report: list[str] = []
    try:
        settle_files(project, answers)
        report = publish_and_check(publisher, project)
    except signals.Interrupted:
        publisher.fault = INTERRUPTED
    explain(publisher, project)
    if publisher.fault == INTERRUPTED:
        return
    try:
        built = not publisher.fault and build_first_image(answers, project, publisher.limit)
    except signals.Interrupted:
        console.warn(f"warning: no first image: {INTERRUPTED}; `docker compose up --build` builds the app from source.")
        return
    console.say(*report, *next_steps(project, answers, installed_from, built=built))


def is_compared(answers: Mapping[str, str], project: Path) -> bool:
    """Tell whether cruft generates this project only to compare it with another, and then to delete it.

    `cruft update` would take each difference between two builds into the user's project.
    """
    by_cruft = "_repo_dir" not in answers
    return by_cruft and Path(tempfile.gettempdir()).resolve() in project.resolve().parents


def settle_files(project: Path, answers: Mapping[str, str]) -> None:
    """Leave the files as the project's owner and its containers need them: no empty folder, readable, a certificate."""
    remove_empty_folders(project)
    make_readable(project / answers["__proxy"])
    if answers["__https"] and (fault := certificate.make_certificate(project)):
        console.warn(f"warning: no certificate: {fault}")


def publish_and_check(publisher: Publisher, project: Path) -> list[str]:
    """Publish the app, and check the project meanwhile; return the check's report."""
    report: list[str] = []
    try:
        publisher.start()
        report = check(project)
        publisher.finish()
    except signals.Interrupted:
        publisher.discard(INTERRUPTED)
    except OSError as error:
        publisher.discard(f"{error.strerror}: {error.filename}")
    return report


def explain(publisher: Publisher, project: Path) -> None:
    """Say why there is no ./publish, if there is none, and that nothing else is missing."""
    if publisher.is_left_to_image:
        console.say(f"Not published: {publisher.fault}. The first `docker compose up` builds the app from source.")
    elif publisher.fault:
        console.warn(
            f"warning: not published: {publisher.fault}",
            f"The project in {project} is complete; `docker compose up --build` in it builds the app from source.",
        )


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


def remove_empty_folders(project: Path) -> None:
    """Remove the folders of options that are off: Cookiecutter makes a folder whether or not a file comes into it.

    Only those that the template has: where a project is generated over an old one, other folders are the user's.
    """
    template = next(source.TEMPLATE.glob("{{*}}"))
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
