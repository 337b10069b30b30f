"""What Docker, Compose and the proxy's own validator say of the files; what cannot be read, or was not checked."""

from __future__ import annotations

import os
import re

from uds_stack.check.folder import Place
from uds_stack.check.query import Query
from uds_stack.check.rule import ERROR, INFO, WARNING, Violations, rule
from uds_stack.check.stack import Stack

OPTIONAL = (".env", "Dockerfile")
NOT_ON_THE_MACHINE = ("No such image", "docker daemon")
UNKNOWN = "existing volumes were not checked"


@rule(ERROR, "Programs reject such a file as a whole, or differ in how they read it", suppressible=False)
def unreadable_file(stack: Stack) -> Violations:
    """Find files that are missing, that have a syntax error, or in which a key stands twice."""
    for file in stack.texts:
        optional = file.missing and (file.name in OPTIONAL or file.name.endswith("Dockerfile"))
        generated = file.name.endswith(".cs") and file.problem.startswith("is larger")
        if file.problem and not optional and not generated:
            yield (file.name, 1), f"the file {file.problem}", "restore it, from git for example"
    yield from stack.problems


@rule(INFO, "What could not be read or asked was not checked")
def not_checked(stack: Stack) -> Violations:
    """Name what was not checked, unless only files were to be read."""
    if not stack.tools.files_only:
        yield from _unanswered(stack)
        yield from stack.config.unread
        for option in stack.options:
            yield from option.unread


def _unanswered(stack: Stack) -> Violations:
    tools, main = stack.tools, (stack.compose.main, 1)
    validator, engine, resolved = stack.proxy.validator, tools.engine, tools.resolved
    if tools.no_compose:
        problem = f"{tools.no_compose}: overrides, `{validator}` and {UNKNOWN}"
        yield main, problem, "run this where Docker Compose is installed"
        return
    if engine and "Server:" not in engine.result.out:
        why = f"the Docker engine does not answer ({engine.failure or engine.complaint})"
        yield main, f"{why}: `{validator}` and {UNKNOWN}", "start it, and run this again"
    if resolved and (
        failure := resolved.failure or ("" if resolved.result.code or resolved.json else "printed no JSON")
    ):
        yield main, f"`{resolved.command}` {failure}", "make sure that Docker works", WARNING
    test, config = tools.proxy_test, (stack.config.file, 1)
    if test and test.failure:
        yield config, f"`{validator}` {test.failure}", "make sure that Docker works", WARNING
    elif test and test.result.code > 0 and not stack.proxy.explain(test) and not _is_absent(test):
        yield config, f"`{validator}` did not run in its image: {test.complaint}", "run it where it can"


def _is_absent(test: Query) -> bool:
    """Return whether the image is missing, which needs no note, or the engine, which has one."""
    return any(words in test.result.err for words in NOT_ON_THE_MACHINE)


@rule(ERROR, "What `docker compose config` rejects does not start", only_if_unexplained=True)
def compose_rejects(stack: Stack) -> Violations:
    """Report its complaint at the line that it is about."""
    resolved = stack.tools.resolved
    if resolved and not stack.tools.no_compose and resolved.result.code > 0:
        lines = [line for line in resolved.result.err.strip().splitlines() if "level=warning" not in line]
        message = " ".join(lines).replace(f"{stack.folder.root}{os.sep}", "")
        message = message.replace(": invalid compose project", "")
        problem = f"`docker compose config` rejects the files: {message[:300]}"
        yield _place_in(stack, message), problem, "correct this line"


def _place_in(stack: Stack, message: str) -> Place:
    """Return the line that a message of Compose is about, or the first of compose.yaml."""
    if match := re.search(r"\.env: line (\d+)", message):
        return ".env", int(match[1])
    for value, place in stack.compose.env.values():  # it quotes a wrong port or address without its place
        if value and re.search(rf"\b(hostPort: |ip address:? ){re.escape(value)}", message):
            return place
    if match := re.search(r"\b(?:services|volumes|networks)[.\[][\w.\[\]-]+", message):
        unknown = re.findall(r"Additional property (\S+) is not allowed", message)
        return stack.compose.where(*re.split(r"[.\[\]]+", match[0].strip(".]")), *unknown)
    if match := re.search(r'service "?([\w.-]+)"? \w+ to undefined (volume|network) "?([\w.-]+)', message):
        return stack.at(match[1], f"{match[2]}s", holding=match[3])
    if match := re.search(r'service "?([\w.-]+)', message):
        return stack.at(match[1])
    match = re.search(r"line (\d+)", message)
    return stack.compose.main, int(match[1]) if match else 1


@rule(ERROR, "The proxy does not start with what its validator rejects", only_if_unexplained=True)
def proxy_rejects(stack: Stack) -> Violations:
    """Ask the validator in the image that the project runs."""
    test = stack.tools.proxy_test
    if test and not stack.config.problems and test.result.code > 0 and (rejection := stack.proxy.explain(test)):
        line, message = rejection
        place = stack.config.file, line or _line_of_path(stack.config.text, message)
        remedy = "correct this line" + ("" if line else ", or what it names")
        yield place, f"`{stack.proxy.validator}` rejects the file: {message}", remedy


def _line_of_path(content: str, message: str) -> int:
    """Return the line that has a path which a message names, or the first."""
    rows = content.split("\n")
    lines = (i for path in re.findall(r"/[^\s\":,]+", message) for i, row in enumerate(rows, 1) if path in row)
    return next(lines, 1)


RULES = [unreadable_file, not_checked, compose_rejects, proxy_rejects]
