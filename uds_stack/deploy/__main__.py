"""`python3 -m uds_stack.deploy`: the commands of this package alone, which need the standard library and Python 3.8."""

import sys

from uds_stack import command_line
from uds_stack.deploy.cli import add_commands

if __name__ == "__main__":
    sys.exit(command_line.run(command_line.parser_of(add_commands)))
