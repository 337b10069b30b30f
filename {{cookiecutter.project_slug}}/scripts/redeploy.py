#!/usr/bin/env python3
"""Deploy the app, or reload the proxy's configuration, with zero downtime. `redeploy.py --help` says how."""

import sys

from stack.deploy.cli import main

if __name__ == "__main__":
    sys.exit(main())
