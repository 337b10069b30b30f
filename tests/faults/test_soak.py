"""The short form of `make soak`: new versions under load at 1, 16 and 256 connections, none of the requests lost."""

import re
import sys

import pytest

from tests.testkit.bake import REPO
from tests.testkit.process import run

pytestmark = pytest.mark.engine


def test_soak_short_loses_no_request() -> None:
    printed = run(sys.executable, "-m", "bench.soak", "--short", cwd=REPO).stdout

    rows = re.findall(r"^\| (.*) \| ([\d,]+) \| ([\d,]+) \| (\d+) \|$", printed, re.MULTILINE)
    assert [row[0] for row in rows] == [
        "new version of the app, 1 times, on 1 + 1 and 16 + 16 and 256 + 256 connections",
        "`scripts/redeploy.py h2o`",
        "app killed",
    ]
    assert int(rows[0][1].replace(",", "")) >= 10_000
    assert [row[2] for row in rows[:2]] == ["0", "0"]
