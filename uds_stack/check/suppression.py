"""Suppress a finding by a comment on its line: `# check: allow[CODE] reason`, or `//` where that begins comments."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from uds_stack.check.folder import Place, TextFile
from uds_stack.check.rule import INFO, Finding, Rule, Violations

COMMENT = re.compile(r"(?:#|//)\s*check:\s*allow\b(?:\[([^\]]*)\])?[\s:]*(.*?)\s*$")
REMEDY = "write # check: allow[CODE] reason"


class Suppression(NamedTuple):
    """A comment: the codes that it names, and the reason that it gives."""

    place: Place
    codes: tuple[str, ...]
    reason: str


def _suppressions(files: list[TextFile]) -> Iterator[Suppression]:
    """Return the comments of these files."""
    for file in files:
        for line, row in enumerate(file.text.split("\n") if "check:" in file.text else (), 1):
            if match := COMMENT.search(row):
                codes = tuple(code.strip() for code in (match[1] or "").split(",") if code.strip())
                yield Suppression((file.name, line), codes, match[2])


def find_faults(files: list[TextFile], known: Collection[str]) -> Violations:
    """Look for comments that name no code, or one that is not known, or that give no reason."""
    for one in _suppressions(files):
        if not one.codes:
            yield one.place, "the suppression names no code", REMEDY
        elif not one.reason:
            yield one.place, "the suppression gives no reason", REMEDY
        for code in one.codes:
            if code not in known:
                yield one.place, f"the suppression names an unknown code, {code}", REMEDY


def suppress(found: list[Finding], files: list[TextFile], rules: Mapping[str, Rule]) -> list[Finding]:
    """Return findings, of which those that a comment with a reason suppresses became notes."""
    reasons = {(*one.place, code): one.reason for one in _suppressions(files) for code in one.codes if one.reason}
    can_be = {code for code, rule in rules.items() if rule.suppressible}
    return [_with_codes(_suppressed(one, reasons, can_be), found, can_be) for one in found]


def _suppressed(finding: Finding, reasons: Mapping[tuple[str, int, str], str], can_be: Collection[str]) -> Finding:
    reason = reasons.get((finding.file, finding.line, finding.code))
    if not reason or finding.level == INFO or finding.code not in can_be:
        return finding
    return finding._replace(level=INFO, message=f"{finding.message} (allowed: {reason})", remedy="")


def _with_codes(finding: Finding, found: list[Finding], can_be: Collection[str]) -> Finding:
    """Replace [CODE] by the codes found on this line."""
    codes = sorted({one.code for one in found if one[:2] == finding[:2] and one.code in can_be})
    return finding._replace(remedy=finding.remedy.replace("[CODE]", f"[{', '.join(codes) or 'CODE'}]"))
