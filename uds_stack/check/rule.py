"""Define rules: each has one code, one level and one reason, and yields place, problem and remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from uds_stack.check.values import Place

if TYPE_CHECKING:
    from uds_stack.check.model import Model
    from uds_stack.check.project import Project

APP = "app"  # the app's service; that of the proxy is named after its module
ERROR, WARNING, INFO = "error", "warning", "info"

Violation = tuple[Place, str, str]  # where, what is wrong, and what to write or run instead
Violations = Iterator[Violation]
ProjectCheck = Callable[["Project"], Violations]
ModelCheck = Callable[["Project", "Model"], Violations]


class Finding(NamedTuple):
    """One line of the report."""

    file: str
    line: int
    level: str
    code: str
    message: str
    remedy: str


class Rule(NamedTuple):
    """A rule as `--list` shows it, and the function that looks for violations."""

    code: str
    level: str
    why: str
    check: ProjectCheck | None = None  # runs once
    check_model: ModelCheck | None = None  # runs for each model: with the override, and without
    last_resort: bool = False  # reported only on a line where no other rule found an error
    suppressible: bool = True


RULES: dict[str, Rule] = {}


def register(rule: Rule) -> None:
    """Add a rule to the registry. Raises ValueError where its code is taken."""
    if rule.code in RULES:
        raise ValueError(f"two rules have the code {rule.code}")
    RULES[rule.code] = rule


def rule(code: str, level: str, why: str) -> Callable[[ModelCheck], ModelCheck]:
    """Register a rule about the services, volumes and networks that Compose makes of its files."""

    def decorate(check: ModelCheck) -> ModelCheck:
        register(Rule(code, level, why, check_model=check))
        return check

    return decorate


def project_rule(
    code: str, level: str, why: str, *, last_resort: bool = False, suppressible: bool = True
) -> Callable[[ProjectCheck], ProjectCheck]:
    """Register a rule about the files, or about what Docker answers."""

    def decorate(check: ProjectCheck) -> ProjectCheck:
        register(Rule(code, level, why, check, last_resort=last_resort, suppressible=suppressible))
        return check

    return decorate
