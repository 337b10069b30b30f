"""What the check asks kubectl, with a stub of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.testkit.bake import copy_project
from tests.unit.check.corpus import Report, check, codes


@pytest.fixture
def report_with(shop_of: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Report]:
    """A function that checks a project with a kubectl that runs these lines of shell."""

    def report(script: str) -> Report:
        project = copy_project(shop_of("h2o-kubernetes"), tmp_path / "shop")
        kubectl = project / "kubectl"  # the only folder on PATH
        kubectl.write_text(f"#!/bin/sh\n{script}\n")
        kubectl.chmod(0o755)
        return check(project, "--json", "--time-limit=2", docker=False)

    return report


@pytest.mark.parametrize("script", ["exec sleep 60", "exit 1", "echo '{'; echo ']['", "kill -9 $$"])
def test_kubectl_that_does_not_answer_is_no_traceback(script: str, report_with: Callable[[str], Report]) -> None:
    assert "check-failed" not in codes(report_with(script), "warning")
