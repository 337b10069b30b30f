"""Run the rules on a project, and report what they find."""

from __future__ import annotations

from pathlib import Path

from uds_stack.check import rules  # noqa: F401 - registers them
from uds_stack.check.project import Project
from uds_stack.check.rule import ERROR, INFO, RULES, WARNING, Finding, Rule, Violation, register
from uds_stack.check.suppression import suppress

LIMIT = 20.0  # seconds for each program
LABELS = {ERROR: "", WARNING: "warning: ", INFO: "note: "}

CHECK_FAILED = Rule("check-failed", WARNING, "A rule that fails on what a file holds is an error of its own")
register(CHECK_FAILED)


def report(root: Path, limit: float = LIMIT, *, files_only: bool = False) -> list[Finding]:
    """Return what the rules find in the project of a folder, sorted. No program that was started is left behind.

    Each program may take `limit` seconds. With `files_only` no program is started, and what only one could have told is
    not mentioned.
    """
    project = Project(root, limit, files_only=files_only)
    try:
        _register_rules_of(project)
        project.ask()
        found = [finding for rule in RULES.values() for finding in _apply(rule, project)]
        if files_only:
            found = [one for one in found if one.code not in ("no-compose", "config-unread", "kubernetes-not-rendered")]
        return sorted(set(suppress(_without_last_resorts(found), project.texts)))
    finally:
        project.questions.close()


def _register_rules_of(project: Project) -> None:
    """Import the modules of the project's proxy and of its options, which register rules of their own."""
    _ = project.proxy, project.options


def _apply(rule: Rule, project: Project) -> list[Finding]:
    """Apply a rule to the project, or to each of its models. A rule that cannot cope with what a file holds says so."""
    try:
        if rule.check:
            return [_finding(rule, violation) for violation in rule.check(project)]
        seen: list[Violation] = []
        found: list[Finding] = []
        for model in project.models:
            all_violations = rule.check_model(project, model) if rule.check_model else ()
            new = [violation for violation in all_violations if violation not in seen]
            found += [_finding(rule, violation, model.label) for violation in new]
            seen += new
        return found
    except Exception as e:
        message = f"the rule {rule.code} failed: {type(e).__name__}: {str(e)[:200]}"
        return [_finding(CHECK_FAILED, ((project.compose.main, 1), message, "please report it"))]


def _finding(rule: Rule, violation: Violation, label: str = "") -> Finding:
    (file, line), problem, remedy = violation
    return Finding(file, line, rule.level, rule.code, problem + label, remedy)


def _without_last_resorts(found: list[Finding]) -> list[Finding]:
    """Leave out what a program rejects on a line, or without one in a file, where a rule has found the error."""
    errors = [one for one in found if one.level == ERROR and not RULES[one.code].last_resort]
    reported = {(one.file, one.line) for one in errors} | {(one.file, 1) for one in errors}
    return [one for one in found if not RULES[one.code].last_resort or (one.file, one.line) not in reported]


def failed(found: list[Finding]) -> bool:
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
    _register_rules_of(Project(root, LIMIT))
    width = max(map(len, RULES))
    return [f"{rule.code:{width}}  {rule.level:7}  {rule.why}" for rule in RULES.values()]
