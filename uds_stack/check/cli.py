"""The command `uds-stack check`."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path
from typing import Any

from uds_stack.command_line import add_project_option, open_project, seconds
from uds_stack.project_folder import NoProjectError, find_project

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
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="the same as --project DIR")
    add_project_option(parser)
    parser.add_argument("--json", action="store_true", help="print {file, line, level, code, message, remedy}")
    parser.add_argument("--list", action="store_true", help="print the rules: code, level and reason")
    parser.add_argument(
        "--time-limit", type=seconds, default=LIMIT, metavar="SECONDS", help="limit for each program (20 s)"
    )
    parser.set_defaults(run=run, failure=2)


def run(options: argparse.Namespace) -> int:
    """Print the report, or the rules; return the exit code. Raises NoProjectError where no project is found."""
    if fault := _missing():
        print(f"uds-stack: check needs {fault}", file=sys.stderr)
        return 2
    from uds_stack.check import report

    named = options.folder or options.project
    if options.list:
        print("\n".join(report.listing(_project_or_here(named))))
        return 0
    found = report.report(open_project(named), options.time_limit)
    print(json.dumps([one._asdict() for one in found], indent=2) if options.json else "\n".join(report.lines(found)))
    return 1 if report.failed(found) else 0


def _missing() -> str:
    """Return what this Python lacks, and the remedy; nothing where it lacks nothing."""
    if sys.version_info < (3, 10):  # noqa: UP036 - uds_stack.deploy runs there
        return f"Python 3.10 or newer, and this is {platform.python_version()}: https://www.python.org/downloads/"
    try:
        import yaml  # noqa: F401 - for the message
    except ImportError:
        return f"PyYAML: {sys.executable} -m pip install PyYAML (on Debian: sudo apt-get install python3-yaml)"
    return ""


def _project_or_here(named: Path | None) -> Path:
    """Return the project's folder or, where there is none, the current one: the rules can be listed anywhere."""
    try:
        return find_project(named)
    except NoProjectError:
        return Path()
