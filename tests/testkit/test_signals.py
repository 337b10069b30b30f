"""How programs that tests start handle signals, wherever the run itself was started."""

import signal
import sys

from tests.testkit.bake import REPO
from tests.testkit.process import run

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def test_run_starts_programs_that_ignore_no_signal() -> None:
    ignored = int(run("grep", "SigIgn", "/proc/self/status").stdout.split()[1], 16)

    assert [number for number in SIGNALS if ignored & 1 << number - 1] == []


def test_run_starts_programs_that_ignore_no_signal_in_the_background() -> None:
    inner = f"{__file__}::{test_run_starts_programs_that_ignore_no_signal.__name__}"
    pytest = f"'{sys.executable}' -m pytest -n1 -p no:cacheprovider '{inner}'"

    done = run("bash", "-c", f"trap '' INT TERM HUP; exec {pytest}", cwd=REPO, check=False)

    assert done.returncode == 0, done.stdout
