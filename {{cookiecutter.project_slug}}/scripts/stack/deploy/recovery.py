"""Putting right what a failure or a killed run left."""

from __future__ import annotations

from stack.deploy.containers import Container
from stack.deploy.probe import command_in
from stack.deploy.project import Project
from stack.deploy.session import run, say


def remove(one: Container, *, at_once: bool) -> None:
    """Stop a container and remove it. One that served finishes its requests; stop_grace_period is the limit."""
    run("docker", "stop", *(["-t", "2"] if at_once else []), one.id)
    run("docker", "rm", "--force", one.id)


def settle(
    project: Project, survivors: list[Container] | None = None, bad: Container | None = None
) -> Container | None:
    """Leave one healthy version, with the files or tags that belong to it; return it.

    After a failure the caller knows who should survive. At the start of a run nobody does, and one that was killed may
    have left two containers: the one that ran before survives if it is still healthy, or else the newest that is.
    """
    containers = project.containers("app")
    owners = project.version.owners(containers)
    if survivors is None and (owners is not None or len(containers) > 1):
        say("an earlier run was interrupted: putting right what it left")
    wanted = {one.id for one in (owners or [] if survivors is None else survivors)}
    keeper = None
    leaving: list[Container] = []
    if len(containers) > 1 or survivors is not None or owners is not None:
        trusted = [one for one in containers if not bad or one.id != bad.id]
        trusted.sort(key=lambda one: one.id not in wanted)
        keeper = next((one for one in trusted if command_in(one, "take-over")), None)
        if keeper:
            leaving = [one for one in containers if one != keeper]
        elif survivors is None and owners is None:
            leaving = [one for one in containers if not one.is_up]  # nobody knows better: the rest stays
        else:
            leaving = [one for one in containers if one.id not in wanted]
    for one in leaving:
        run("docker", "kill", "--signal=TERM", one.id)
    if keeper and leaving:
        command_in(keeper, "take-over")  # again: one that is leaving may have published itself, and taken the path away
    for one in leaving:
        say(f"removing {one.name}")
        remove(one, at_once=one.health != "healthy")
    if keeper and owners is not None and keeper.id not in wanted:
        project.version.commit()
    else:
        project.version.abort()
    return keeper
