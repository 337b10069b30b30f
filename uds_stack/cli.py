"""The command uds-stack."""

from __future__ import annotations

import argparse
import sys

from uds_stack import __version__
from uds_stack.check import cli as check
from uds_stack.deploy import cli as deploy
from uds_stack.project_folder import NoProjectError


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code. `check` and `deploy` say in their help what theirs mean."""
    parser = argparse.ArgumentParser(
        prog="uds-stack", description="Check and deploy a project of the template uds-stack."
    )
    parser.add_argument("--version", action="version", version=f"uds-stack {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    check.add_commands(commands)
    deploy.add_commands(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except NoProjectError as error:
        print(f"uds-stack: {error}", file=sys.stderr)
        return 2
