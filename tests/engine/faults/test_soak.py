"""The short form of `make soak`, behind H2O: new versions and a new h2o.conf under load, no request lost."""

import re
import sys

import pytest

from tests.testkit.bake import REPO
from tests.testkit.process import run

pytestmark = [pytest.mark.engine, pytest.mark.test_all]


def test_soak_short_loses_no_request() -> None:
    printed = run(sys.executable, "-m", "bench.soak", "--short", "--proxy", "h2o", cwd=REPO).stdout

    rows = re.findall(r"^\| (.*) \| ([\d,]+) \| ([\d,]+) \| (\d+) \|$", printed, re.MULTILINE)
    assert [row[0] for row in rows] == [
        "new version of the app, once, on 1 + 1 and 16 + 16 and 256 + 256 connections",
        "new version of the app, once, one connection per request, no pool in H2O",
        "`uds-stack reload`",
        "app killed",
    ]
    assert int(rows[0][1].replace(",", "")) >= 10_000
    assert [row[2] for row in rows[:3]] == ["0", "0", "0"]
