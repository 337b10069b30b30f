"""The report."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace

from stack.check import rules  # noqa: F401 - to register them
from stack.check.compose import Model
from stack.check.files import ROOT
from stack.check.program import Program
from stack.check.project import Project
from stack.check.rule import MODEL_CHECKS, PROJECT_CHECKS, Finding, warning


def findings() -> list[Finding]:
    """Run every check, and sort what they find."""
    project = Project()
    found = [one for function in PROJECT_CHECKS for one in run(function, project)]
    for check in MODEL_CHECKS:
        first: list[Finding] = []
        for model in project.models:
            new = [one for one in run(check, project, model) if one not in first]
            found += [replace(one, message=one.message + model.label) for one in new]
            first += new
    found += project.problems  # of files that the checks have read, too
    lines = {(one.file, one.line) for one in found if one.level == "error" and "-refuses" not in one.code}
    return sorted({accepted(one) for one in found if "-refuses" not in one.code or (one.file, one.line) not in lines})


def run(function: Callable[..., Iterator[Finding]], project: Project, *more: Model) -> list[Finding]:
    """Run one check. If it cannot cope with what a file holds, it says so, and the others go on."""
    try:
        return list(function(project, *more))
    except Exception as e:
        message = f"the check {function.__name__} failed: {type(e).__name__}: {str(e)[:200]}; please report it"
        return [warning((project.main, 1), "check-failed", message)]


def accepted(finding: Finding) -> Finding:
    """Return a finding as a note where a comment on its line accepts it, with a reason."""
    if finding.level == "info" or finding.code in ("syntax", "duplicate-key", "unreadable"):
        return finding
    with contextlib.suppress(OSError, IndexError):
        lines = (ROOT / finding.file).read_text("utf-8-sig", errors="replace").splitlines()
        comment = re.search(r"(?:#|//)\s*check:\s*allow\b[\s:]*(.*?)\s*$", lines[finding.line - 1])
        if comment and comment[1]:
            return replace(finding, level="info", message=f"{finding.message} (allowed: {comment[1]})", remedy="")
        if comment:
            return replace(finding, remedy="give the reason: # check: allow <reason>")
    return finding


def main() -> int:
    """Print the findings, and return the exit code."""
    parser = argparse.ArgumentParser(
        description="Is this project still whole? Ask after an edit, before `docker compose up`."
    )
    parser.add_argument("--json", action="store_true", help="a list of {file, line, level, code, message, remedy}")
    parser.add_argument("--time-limit", type=float, default=Program.limit, metavar="SECONDS", help="for docker and h2o")
    options = parser.parse_args()
    Program.limit = options.time_limit
    found = findings()
    errors, warnings = (sum(one.level == level for one in found) for level in ("error", "warning"))
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
        return 1 if errors else 0
    for one in found:
        level = {"error": "", "warning": "warning: ", "info": "note: "}[one.level]
        print(f"{one.file}:{one.line}: {level}{one.message}" + (f"; {one.remedy}" if one.remedy else ""))
    print(f"errors: {errors}, warnings: {warnings}" if errors or warnings else "This project is whole.")
    return 1 if errors else 0


def entry() -> int:
    """Run the command, and end what it started."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    finally:
        for program in Program.running:
            program.kill()
    return code
