"""What check.py asks kubectl, with a stub of it."""

import json
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


def cluster(version: str) -> str:
    """Return a kubectl that renders nothing and whose cluster has a version."""
    answer = json.dumps({"serverVersion": {"major": "1", "minor": "32+", "gitVersion": version}})
    return f"if [ $1 = version ]; then echo '{answer}'; fi"


@pytest.mark.parametrize("version", ["v1.32.9+k3s1", "v1.9.0", "v1.20.2"])
def test_older_cluster_is_reported(version: str, report_with: Callable[[str], Report]) -> None:
    report = report_with(cluster(version))

    assert codes(report, "warning") == ["kubernetes-version"]


@pytest.mark.parametrize("version", ["v1.33.0", "v1.40.1-eks-1", "v2.0.0", "unknown", ""])
def test_current_cluster_is_not_reported(version: str, report_with: Callable[[str], Report]) -> None:
    assert "kubernetes-version" not in codes(report_with(cluster(version)), "warning")


@pytest.mark.parametrize("script", ["exec sleep 60", "exit 1", "echo '{'; echo ']['", "kill -9 $$"])
def test_kubectl_that_does_not_answer_is_no_traceback(script: str, report_with: Callable[[str], Report]) -> None:
    assert "check-failed" not in codes(report_with(script), "warning")
