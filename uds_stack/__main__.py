"""`python3 -m uds_stack`: the command uds-stack, from a clone."""

import sys

from uds_stack.cli import main

if __name__ == "__main__":
    sys.exit(main())
