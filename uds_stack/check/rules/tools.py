"""What Docker, Compose and the proxy's own validator say of the files, and what they could not be asked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from uds_stack.check.project import Project
from uds_stack.check.question import Answer
from uds_stack.check.rule import ERROR, INFO, WARNING, Violations, project_rule
from uds_stack.check.values import Place

ENGINE, COMPOSE = (25, 0), (2, 24)  # the first with start_interval; the first with `!reset`
NOT_ON_THE_MACHINE = ("No such image", "docker daemon")


@project_rule("no-compose", INFO, "Without Compose, compose.yaml is read alone, and the proxy's validator cannot run")
def report_missing_compose(project: Project) -> Violations:
    """Name what was not checked."""
    if why := project.docker.no_compose:
        problem = f"{why}: overrides, `{project.proxy.validator}`, existing volumes and images were not checked"
        yield (project.compose.main, 1), problem, "run this where Docker Compose is installed"


@project_rule("no-engine", INFO, "Without an engine, the proxy's validator cannot run")
def report_missing_engine(project: Project) -> Violations:
    """Name what was not checked."""
    engine = project.docker.engine
    if engine and not _engine_version(engine) and not project.docker.no_compose:
        why = f"the Docker engine does not answer ({engine.failure or engine.complaint})"
        problem = f"{why}: `{project.proxy.validator}`, existing volumes and images were not checked"
        yield (project.compose.main, 1), problem, "start it, and run this again"


@project_rule("docker-version", ERROR, "start_interval needs Docker Engine 25, and `!reset` needs Compose 2.24")
def compare_versions(project: Project) -> Violations:
    """An older engine ignores start_interval; an older Compose rejects compose.publish.yaml."""
    engine, compose = project.docker.engine, project.docker.compose
    found_engine = _engine_version(engine) if engine else None
    found_compose = re.search(r"(\d+)\.(\d+)", compose.result.out) if compose else None
    for name, found, least in (("Docker Engine", found_engine, ENGINE), ("Docker Compose", found_compose, COMPOSE)):
        if found and (int(found[1]), int(found[2])) < least:
            problem = f"{name} {found[1]}.{found[2]} is too old for this file"
            yield (project.compose.main, 1), problem, f"install {least[0]}.{least[1]} or newer"


def _engine_version(engine: Answer) -> re.Match[str] | None:
    return re.search(r"Server:[\s\S]*?Version:\s*(\d+)\.(\d+)", engine.result.out)


def _resolutions(project: Project) -> Iterator[tuple[str, Answer]]:
    yield from project.resolutions.items() if not project.docker.no_compose else ()


@project_rule("compose-failed", WARNING, "Without an answer of Compose, compose.yaml is read alone")
def report_failed_compose(project: Project) -> Violations:
    """It took too long, or its answer is not JSON."""
    for _, answer in _resolutions(project):
        failure = answer.failure or ("printed no JSON" if answer.result.code == 0 and answer.json is None else "")
        if failure:
            yield (project.compose.main, 1), f"`{answer.command}` {failure}", "make sure that Docker works"


@project_rule("compose-rejects", ERROR, "What `docker compose config` rejects does not start", last_resort=True)
def resolve_compose_files(project: Project) -> Violations:
    """Report each complaint once, at the line that it is about."""
    reported: set[str] = set()
    for label, answer in _resolutions(project):
        if answer.result.code > 0:
            lines = [line for line in answer.result.err.strip().splitlines() if "level=warning" not in line]
            message = " ".join(lines).replace(f"{project.folder.root}{os.sep}", "")
            message = message.replace(": invalid compose project", "")
            if message not in reported:
                problem = f"`docker compose config` rejects the files: {message[:300]}{label}"
                yield _place_in(project, message), problem, "correct this line"
            reported.add(message)


def _place_in(project: Project, message: str) -> Place:
    """Return the line that a message of Compose is about, or the first of compose.yaml."""
    if match := re.search(r"\.env: line (\d+)", message):
        return ".env", int(match[1])
    for value, place in project.compose.env.values():  # it quotes a wrong port or address without its place
        if value and re.search(rf"\b(hostPort: |ip address:? ){re.escape(value)}", message):
            return place
    if match := re.search(r"\b(?:services|volumes|networks)[.\[][\w.\[\]-]+", message):
        unknown = re.findall(r"Additional property (\S+) is not allowed", message)
        return project.compose.where(*re.split(r"[.\[\]]+", match[0].strip(".]")), *unknown)
    if match := re.search(r'service "?([\w.-]+)"? \w+ to undefined (volume|network) "?([\w.-]+)', message):
        return project.at(match[1], f"{match[2]}s", holding=match[3])
    if match := re.search(r'service "?([\w.-]+)', message):
        return project.at(match[1])
    match = re.search(r"line (\d+)", message)
    return project.compose.main, int(match[1]) if match else 1


@project_rule("variable-unset", WARNING, "Compose replaces an unset variable with nothing")
def find_unset_variables(project: Project) -> Violations:
    """Compose prints a warning among its other output, and goes on."""
    errors = "".join(answer.result.err for _, answer in _resolutions(project))
    for name in sorted(set(re.findall(r'The \\?"(\w+)\\?" variable is not set', errors))):
        used, documents = r"\$\{?" + name + r"\b", project.compose.documents
        document = next((one for one in documents if re.search(used, one.content)), documents[0])
        line = re.split(used, document.content)[0].count("\n") + 1
        remedy = "set it in .env, or give it a default: $" + "{" + name + ":-value}"
        yield (document.file, line), f"the variable {name} is not set", remedy


@project_rule("proxy-rejects", ERROR, "The proxy does not start with what its validator rejects", last_resort=True)
def validate_proxy_config(project: Project) -> Violations:
    """The validator runs in the project's own image, where that is built."""
    broken = any(problem.code == "syntax" for problem in project.config.problems)
    answer, file = None if broken else project.proxy_test, project.config.file
    rejection = project.proxy.explain(answer) if answer and answer.result.code > 0 else None
    if rejection:
        line, message = rejection
        yield (file, line), f"`{project.proxy.validator}` rejects the file: {message}", "correct this line"


@project_rule("proxy-test-failed", WARNING, "Whether the proxy starts is not known then")
def report_failed_test(project: Project) -> Violations:
    """It took too long."""
    if project.proxy_test and project.proxy_test.failure:
        problem = f"`{project.proxy.validator}` {project.proxy_test.failure}"
        yield (project.config.file, 1), problem, "make sure that Docker works"


@project_rule("proxy-not-tested", INFO, "Whether the proxy starts is not known then")
def report_missing_test(project: Project) -> Violations:
    """The image has no such command, or cannot run here; an image that is not built yet is no reason for a note."""
    answer = project.proxy_test
    if not answer or answer.result.code <= 0 or project.proxy.explain(answer):
        return
    if not any(words in answer.result.err for words in NOT_ON_THE_MACHINE):
        problem = f"`{project.proxy.validator}` did not run in its image: {answer.complaint}"
        yield (project.config.file, 1), problem, "run it where it can"
