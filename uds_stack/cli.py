"""The command uds-stack."""

from __future__ import annotations

from collections.abc import Sequence

from uds_stack import __version__, command_line
from uds_stack.check import cli as check
from uds_stack.deploy import cli as deploy


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code, which the help of each command explains."""
    parser = command_line.parser_of(
        check.add_commands,
        deploy.add_commands,
        description="Check a project of the template uds-stack, and deploy it without losing a request.",
    )
    parser.add_argument("--version", action="version", version=f"uds-stack {__version__}")
    return command_line.run(parser, arguments)
