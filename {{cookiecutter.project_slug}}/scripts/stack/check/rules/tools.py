"""What the real parsers say."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from stack.check.files import ROOT
from stack.check.program import Program
from stack.check.project import Project
from stack.check.rule import Finding, error, note, of_project, warning
from stack.check.values import Place

ENGINE, COMPOSE = (25, 0), (2, 24)  # the first with start_interval; the first with `!reset`


@of_project
def compose_takes_its_files(project: Project) -> Iterator[Finding]:
    """`docker compose config` resolves the files: what it refuses, `docker compose up` refuses."""
    if project.no_compose:
        message = f"{project.no_compose}: Compose's own reading, an override, H2O's own test of h2o.conf "
        message += "and what exists already were not checked; run this again where it is"
        yield note((project.main, 1), "not-checked", message)
    said: set[str] = set()
    for label, run in project.configs.items() if not project.no_compose else ():
        if run.failure and run.command:
            yield warning((project.main, 1), "tool", f"`{run.command}` {run.failure}; see whether Docker works here")
        elif run.code > 0:
            lines = [line for line in run.err.strip().splitlines() if "level=warning" not in line]
            message = " ".join(lines).replace(f"{ROOT}{os.sep}", "").replace(": invalid compose project", "")
            if message not in said:
                what = f"Compose refuses it: {message[:300]}{label}; write what it asks for"
                yield error(place_in(project, message), "compose-refuses", what)
            said.add(message)
        elif run.json() is None and not run.failure:
            yield warning((project.main, 1), "tool", f"`{run.command}` printed no JSON; see whether Docker works here")
        for name in sorted(set(re.findall(r'The \\?"(\w+)\\?" variable is not set', run.err))):
            used = r"\$\{?" + name + r"\b"
            doc = next((doc for doc in project.compose if re.search(used, doc.content)), project.compose[0])
            line = re.split(used, doc.content)[0].count("\n") + 1
            message = f"the variable {name} is not set; set it in .env, or give it a default: $"
            yield warning((doc.file, line), "variable", message + "{" + name + ":-value}")


def place_in(project: Project, message: str) -> Place:
    """Return the line that a message of Compose is about."""
    if match := re.search(r"\.env: line (\d+)", message):
        return ".env", int(match[1])
    for value, place in project.env.values():
        if value and re.search(rf"\b(hostPort: |ip address:? ){re.escape(value)}", message):
            return place
    if match := re.search(r'service "?([\w.-]+)"? \w+ (?:on|to) undefined (\w+) "?([\w.-]+)', message):
        if match[2] == "service":
            return project.at(match[1], "depends_on", match[3])
        return project.at(match[1], f"{match[2]}s", holding=match[3])
    if match := re.search(r"\b(?:services|volumes|networks)[.\[][\w.\[\]-]+", message):
        unknown = re.findall(r"Additional property (\S+) is not allowed", message)
        return project.where(*re.split(r"[.\[\]]+", match[0].strip(".]")), *unknown)
    if match := re.search(r'service "?([\w.-]+)', message):
        return project.at(match[1])
    match = re.search(r"line (\d+)", message)
    return project.main, int(match[1]) if match else 1


@of_project
def h2o_takes_its_configuration(project: Project) -> Iterator[Finding]:
    """`h2o -t`, in the project's own image where that is built: it knows H2O's commands and their values."""
    run, place = project.h2o_test.wait(), (project.conf.file, 1)
    if run.failure and run.command:
        Program("docker", "rm", "--force", project.container).wait()
        yield warning(place, "tool", f"`h2o -t` {run.failure}; see whether Docker works here")
    elif run.code == 78:
        line = re.search(r":(\d+)\] |line (\d+): ", run.complaint())
        place = (project.conf.file, int(line[1] or line[2]) if line else 1)
        message = re.sub(r"^\[[^]]*\] |^failed to parse configuration file \S+ ", "", run.complaint())
        yield error(place, "h2o-refuses", f"H2O refuses it: {message}; write what it asks for")
    elif run.code > 0 and "No such image" not in run.err and "docker daemon" not in run.err:
        yield note(place, "not-checked", f"`h2o -t` could not be run: {run.complaint()}; try it where it can")


@of_project
def docker_is_new_enough(project: Project) -> Iterator[Finding]:
    """start_interval needs Engine 25; `!reset`, in compose.override.yaml, needs Compose 2.24."""
    engine = re.search(r"Server:[\s\S]*?Version:\s*(\d+)\.(\d+)", project.engine.wait().out)
    compose = re.search(r"(\d+)\.(\d+)", project.version.out)
    for name, found, least in (("Docker Engine", engine, ENGINE), ("Docker Compose", compose, COMPOSE)):
        if found and (int(found[1]), int(found[2])) < least:
            message = f"{name} {found[1]}.{found[2]} is too old for this file; install {least[0]}.{least[1]} or newer"
            yield error((project.main, 1), "version", message)
    if not engine and not project.no_compose:
        message = f"the Docker engine does not answer ({project.engine.failure or project.engine.complaint()}): "
        message += "H2O's own test of h2o.conf, and what exists already, were not checked; start it and run this again"
        yield note((project.main, 1), "not-checked", message)
