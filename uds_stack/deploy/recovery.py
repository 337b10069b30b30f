"""After a failure, or a run that was killed: one healthy version serves, with the files or tags that belong to it."""

from __future__ import annotations

from uds_stack.deploy.containers import Container, remove, run_command
from uds_stack.deploy.project import APP, Project


def recover_interrupted(project: Project) -> None:
    """Complete or undo what an earlier, killed run has left.

    It may have left two containers. The one that ran before stays if it is healthy, else the newest that is.
    """
    containers = project.containers(APP)
    replaced = project.version.find_replaced(containers)
    if replaced is None and len(containers) <= 1:
        project.version.roll_back()  # what it was making
        return
    project.session.say("an earlier run was interrupted: recovering")
    recover(project, replaced or None)  # an empty list: what ran before is gone, and what runs must stay


def recover(project: Project, candidates: list[Container] | None, failed: Container | None = None) -> Container | None:
    """Leave one version of the app that serves, and return its container; None where none is healthy.

    `candidates` should stay: the first that is healthy, or all of them if no container is. With None, keep those that
    run if none is healthy. `failed` does not stay, even if it is healthy.
    """
    containers = project.containers(APP)
    replaced = project.version.find_replaced(containers)
    wanted = {each.id for each in candidates or []}
    trusted = sorted((each for each in containers if each != failed), key=lambda each: each.id not in wanted)
    active = next((each for each in trusted if run_command(project.session, each, "take-over")), None)
    if active:
        leaving = [each for each in containers if each != active]
    elif candidates is None:
        leaving = [each for each in containers if not each.is_up]
    else:
        leaving = [each for each in containers if each.id not in wanted]
    retire(project, leaving, active)
    if active and replaced is not None and active.id not in wanted:
        project.version.promote()
    else:
        project.version.roll_back()
    return active


def retire(project: Project, leaving: list[Container], active: Container | None) -> None:
    """Stop and remove containers; the active one keeps, or gets back, the public path of the socket."""
    for container in leaving:
        project.session.run("docker", "kill", "--signal=TERM", container.id)
    if active and leaving:
        run_command(project.session, active, "take-over")  # one that is leaving may have published itself meanwhile
    for container in leaving:
        project.session.say(f"removing {container.name}")
        remove(project.session, container, drain=container.health == "healthy")
