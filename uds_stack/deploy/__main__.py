"""`python3 -m uds_stack.deploy`: the commands of this package alone, which need the standard library and Python 3.8."""

import argparse
import sys

from uds_stack.deploy.cli import add_commands
from uds_stack.project_folder import NoProjectError


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="uds-stack")
    add_commands(parser.add_subparsers(dest="command", metavar="COMMAND", required=True))
    options = parser.parse_args()
    try:
        return int(options.run(options))
    except NoProjectError as error:
        print(f"uds-stack: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
