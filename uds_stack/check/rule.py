"""Define rules: each has one code, one level and one reason, and yields place, problem and remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from uds_stack.check.folder import Place
from uds_stack.check.stack import Stack

ERROR, WARNING, INFO = "error", "warning", "info"

# Where, what is wrong, and what to write or run instead; the level where it is another than the rule's.
Violations = Iterator["tuple[Place, str, str] | tuple[Place, str, str, str]"]
Check = Callable[[Stack], Violations]


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
    check: Check
    only_if_unexplained: bool = False  # reported only on a line where no other rule found an error
    suppressible: bool = True


def rule(
    level: str, why: str, *, only_if_unexplained: bool = False, suppressible: bool = True
) -> Callable[[Check], Rule]:
    """Make a rule of a function. Its code is the function's name, with hyphens."""

    def decorate(check: Check) -> Rule:
        code = check.__name__.replace("_", "-")
        return Rule(code, level, why, check, only_if_unexplained, suppressible)

    return decorate
