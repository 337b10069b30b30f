"""The command uds-stack of this clone."""

import sys

from tests.testkit.bake import REPO

UDS_STACK = (
    sys.executable,
    "-c",
    f"import sys; sys.path.insert(0, {str(REPO)!r}); from uds_stack.cli import main; sys.exit(main())",
)
