#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = ["pyyaml"]
# ///
"""Is this project still whole? Ask after an edit, before `docker compose up`.

Each file is read, what must agree between them is compared, and the real parsers are asked: `docker compose config` and
`h2o -t`. A finding is `file:line: what is wrong; what to write instead`. A line that departs from the rules on purpose
says so in a comment, `# check: allow <reason>`, and the finding becomes a note. The checks come first below, then what
reads the project for them.

Exit code: 0 the project is whole (warnings and notes may remain), 1 it is not, 2 the check could not run.
"""

from __future__ import annotations

import sys

try:
    import yaml  # noqa: F401 - it says below what to do where it is missing
except ModuleNotFoundError:
    print("check.py needs PyYAML: `uv run scripts/check.py`, or `python3 -m pip install pyyaml` first", file=sys.stderr)
    sys.exit(2)

from stack.check.cli import entry

if __name__ == "__main__":
    sys.exit(entry())
