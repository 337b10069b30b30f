"""The command `uds-stack check`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from uds_stack.project_folder import NoProjectError, find_project, version_fault

LIMIT = 20.0  # seconds for each program

DESCRIPTION = """\
Check that the project's configuration is consistent.

Run it after an edit, before `docker compose up`. It reads each file, compares what must agree between them, and asks
`docker compose config` and the proxy's own validator. A finding is `file:line: problem; remedy`. A comment on its line
suppresses it: `# check: allow[CODE] reason`; `--list` shows the codes.

Exit code: 0 no errors (warnings and notes may remain), 1 errors, 2 the check could not run.
"""


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `check` to the commands of a parser."""
    parser = commands.add_parser(
        "check",
        help="check that the configuration is consistent",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="the project (default: here, or above)")
    parser.add_argument("--project", type=Path, metavar="DIR", help="the same")
    parser.add_argument("--json", action="store_true", help="print {file, line, level, code, message, remedy}")
    parser.add_argument("--list", action="store_true", help="print the rules: code, level and reason")
    parser.add_argument("--time-limit", type=float, default=LIMIT, metavar="SECONDS", help="for each program")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command with the streams and the signals of a terminal, and return the exit code."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = _run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # a closed stdout is not an error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _run(options: argparse.Namespace) -> int:
    """Print the report, or the rules, and return the exit code."""
    try:
        import yaml  # noqa: F401 - for the message
    except ModuleNotFoundError:
        print("uds-stack check needs PyYAML: python3 -m pip install pyyaml", file=sys.stderr)
        return 2
    from uds_stack.check import report

    named = options.folder or options.project
    try:
        root = find_project(named or Path.cwd(), above=named is None)
    except NoProjectError:
        if not options.list:
            raise
        root = Path.cwd()
    if options.list:
        print("\n".join(report.listing(root)))
        return 0
    if fault := version_fault(root):
        print(f"warning: {fault}", file=sys.stderr)
    found = report.report(root, options.time_limit)
    print(json.dumps([one._asdict() for one in found], indent=2) if options.json else "\n".join(report.lines(found)))
    return 1 if report.failed(found) else 0
