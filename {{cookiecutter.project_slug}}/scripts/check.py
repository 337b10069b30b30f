#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = ["pyyaml"]
# ///
"""Check that the project's configuration is consistent.

Run it after an edit, before `docker compose up`. It reads each file, compares what must agree between them, and asks
`docker compose config` and the proxy's own validator. A finding is `file:line: problem; remedy`. A comment on its line
suppresses it: `# check: allow[CODE] reason`; `--list` shows the codes.

Exit code: 0 no errors (warnings and notes may remain), 1 errors, 2 the check could not run.
"""

from __future__ import annotations

import sys
from pathlib import Path

try:
    import yaml  # noqa: F401 - for the message
except ModuleNotFoundError:
    print("check.py needs PyYAML: `uv run scripts/check.py`, or `python3 -m pip install pyyaml` first", file=sys.stderr)
    sys.exit(2)

from stack.check import cli

if __name__ == "__main__":
    sys.exit(cli.run(Path(__file__).resolve().parent.parent))
