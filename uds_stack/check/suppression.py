"""Suppress a finding by a comment on its line: `# check: allow[CODE] reason`, or `//` where that begins comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from uds_stack.check.files import TextFile
from uds_stack.check.project import Project
from uds_stack.check.rule import INFO, RULES, WARNING, Finding, Violations, project_rule
from uds_stack.check.values import Place

COMMENT = re.compile(r"(?:#|//)\s*check:\s*allow\b(?:\[([^\]]*)\])?[\s:]*(.*?)\s*$")
EXAMPLE = "# check: allow[CODE] reason"


class Suppression(NamedTuple):
    """A comment: the codes that it names, and the reason that it gives."""

    place: Place
    codes: tuple[str, ...]
    reason: str


def suppressions(files: list[TextFile]) -> Iterator[Suppression]:
    """Return the comments of these files."""
    for file in files:
        for line, row in enumerate(file.text.split("\n") if "check:" in file.text else (), 1):
            if match := COMMENT.search(row):
                codes = tuple(code.strip() for code in (match[1] or "").split(",") if code.strip())
                yield Suppression((file.name, line), codes, match[2])


@project_rule("suppression-code", WARNING, "A suppression silences one code, or it would hide what comes later")
def name_code(project: Project) -> Violations:
    """The codes are those of `--list`."""
    for one in suppressions(project.texts):
        if not one.codes:
            yield one.place, "the suppression names no code", f"write {EXAMPLE}"
        for code in one.codes:
            if code not in RULES:
                yield one.place, f"the suppression names an unknown code, {code}", f"write {EXAMPLE}"


@project_rule("suppression-reason", WARNING, "A suppression without a reason cannot be reviewed later")
def give_reason(project: Project) -> Violations:
    """Without it, the finding stays."""
    for one in suppressions(project.texts):
        if one.codes and not one.reason:
            yield one.place, "the suppression gives no reason", f"write {EXAMPLE}"


def suppress(found: list[Finding], files: list[TextFile]) -> list[Finding]:
    """Return findings, of which those that a comment suppresses became notes with the reason."""
    reasons = {(*one.place, code): one.reason for one in suppressions(files) for code in one.codes if one.reason}
    return [_with_codes(_suppressed(finding, reasons), found) for finding in found]


def _suppressed(finding: Finding, reasons: dict[tuple[str, int, str], str]) -> Finding:
    reason = reasons.get((finding.file, finding.line, finding.code))
    if not reason or finding.level == INFO or not RULES[finding.code].suppressible:
        return finding
    return finding._replace(level=INFO, message=f"{finding.message} (allowed: {reason})", remedy="")


def _with_codes(finding: Finding, found: list[Finding]) -> Finding:
    """Fill in what a suppression would name: the other findings on its line."""
    line = [one.code for one in found if one[:2] == finding[:2] and RULES[one.code].suppressible]
    codes = ", ".join(sorted({code for code in line if not code.startswith("suppression-")})) or "CODE"
    return finding._replace(remedy=finding.remedy.replace("[CODE]", f"[{codes}]"))
