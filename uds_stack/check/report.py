"""Run the rules on a project, and report what they find."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from uds_stack.check import suppression
from uds_stack.check.catalogue import rules_of
from uds_stack.check.files import Files
from uds_stack.check.gather import gather
from uds_stack.check.query import Queries
from uds_stack.check.rule import ERROR, INFO, WARNING, Finding, Rule, Violations
from uds_stack.check.stack import Stack

LIMIT = 20.0  # seconds for each program
LABELS = {ERROR: "", WARNING: "warning: ", INFO: "note: "}


def _by_report(_stack: Stack) -> Violations:
    """Find nothing: what these rules are about is known when the others have run."""
    return iter(())


CHECK_FAILED = Rule("check-failed", WARNING, "A rule that fails on a file's content is a bug in the check", _by_report)
SUPPRESSION = Rule(
    "suppression",
    WARNING,
    "Without a code, a suppression would hide later findings; without a reason, it cannot be reviewed",
    _by_report,
    suppressible=False,
)


def report(root: Path, limit: float = LIMIT, *, files_only: bool = False) -> list[Finding]:
    """Return what the rules find in the project of a folder, sorted. No program that was started is left behind.

    Each program may take `limit` seconds. With `files_only` no program is started, and what only one could have told is
    not mentioned.
    """
    queries = Queries(root.resolve(), limit, files_only=files_only)
    try:
        stack = gather(Files.below(root), queries)
        return find(stack, rules_of(stack))
    finally:
        queries.close()


def find(stack: Stack, rules: Sequence[Rule]) -> list[Finding]:
    """Return what these rules find in a stack, sorted."""
    by_code = {rule.code: rule for rule in (*rules, CHECK_FAILED, SUPPRESSION)}
    found = [finding for rule in rules for finding in _apply(rule, stack)]
    found += _findings(SUPPRESSION, suppression.find_faults(stack.texts, by_code))
    return sorted(set(suppression.suppress(_without_explained(found, by_code), stack.texts, by_code)))


def _apply(rule: Rule, stack: Stack) -> list[Finding]:
    """Apply a rule. One that cannot cope with what a file holds says so."""
    try:
        return _findings(rule, rule.check(stack))
    except Exception as e:
        message = f"the rule {rule.code} failed: {type(e).__name__}: {str(e)[:200]}"
        return [Finding(stack.compose.main, 1, WARNING, CHECK_FAILED.code, message, "please report it")]


def _findings(rule: Rule, violations: Violations) -> list[Finding]:
    found = []
    for (file, line), problem, remedy, *level in violations:
        found.append(Finding(file, line, level[0] if level else rule.level, rule.code, problem, remedy))
    return found


def _without_explained(found: list[Finding], rules: dict[str, Rule]) -> list[Finding]:
    """Leave out what a program rejects on a line, or without one in a file, where a rule has found the error."""
    errors = [one for one in found if one.level == ERROR and not rules[one.code].only_if_unexplained]
    explained = {(one.file, one.line) for one in errors} | {(one.file, 1) for one in errors}
    return [one for one in found if not rules[one.code].only_if_unexplained or (one.file, one.line) not in explained]


def failed(found: Iterable[Finding]) -> bool:
    """Return whether one of the findings is an error."""
    return any(one.level == ERROR for one in found)


def lines(found: list[Finding]) -> list[str]:
    """Return the report as text: a line for each finding, and the sum."""
    rows = [
        f"{one.file}:{one.line}: {LABELS[one.level]}{one.message}" + (f"; {one.remedy}" if one.remedy else "")
        for one in found
    ]
    errors, warnings = (sum(one.level == level for one in found) for level in (ERROR, WARNING))
    return [*rows, f"errors: {errors}, warnings: {warnings}" if errors or warnings else "No problems found."]


def listing(root: Path) -> list[str]:
    """Return a line for each rule that applies to the project of a folder: code, level and reason."""
    stack = gather(Files.below(root), Queries(root.resolve(), LIMIT, files_only=True))
    rules = [*rules_of(stack), SUPPRESSION, CHECK_FAILED]
    width = max(len(rule.code) for rule in rules)
    return [f"{rule.code:{width}}  {rule.level:7}  {rule.why}" for rule in rules]
