"""check.py finds each case of a code at its place, and nothing in the valid ones."""

from collections.abc import Callable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.testkit.combinations import COMBINATIONS
from tests.testkit.command import UDS_STACK
from tests.testkit.process import run
from tests.unit.check.corpus import CASES, VALID, Case, cases, check, line_of

Edited = Callable[[Case], Path]
Build = Callable[[str], None]

# Codes without a case, each with the test that shows it.
SHOWN_ELSEWHERE = {
    "no-compose": "test_docker.test_docker_without_compose",
    "no-engine": "test_docker.test_engine_that_does_not_answer",
    "docker-version": "test_docker.test_versions_of_docker",
    "compose-failed": "test_docker.test_compose_config_that_hangs",
    "proxy-test-failed": "test_docker.test_validator_that_hangs",
    "proxy-not-tested": "test_docker.test_validator_that_is_missing",
    "volume-stale": "test_stale.test_existing_volume_with_other_options",
    "publish-stale": "test_stale.test_sources_newer_than_publish",
    "image-stale": "test_stale.test_sources_newer_than_image",
    "kubernetes-version": "test_kubernetes.test_older_cluster_is_reported",
    "check-failed": "test_report.test_rule_that_fails",
}


def registered(project: Path) -> set[str]:
    listing = run(*UDS_STACK, "check", project, "--list").stdout
    return {line.split()[0] for line in listing.splitlines()}


def test_each_code_has_a_case(shop_of: Callable[[str], Path]) -> None:
    folders = {folder.name for folder in CASES.iterdir() if folder.is_dir()} - {VALID}
    codes = {name: registered(shop_of(name)) for name in COMBINATIONS}
    assert folders | set(SHOWN_ELSEWHERE) == set().union(*codes.values())
    assert not folders & set(SHOWN_ELSEWHERE)
    for one in [*cases(valid=False, docker=True), *cases(valid=False, docker=False)]:
        assert one.code in codes[one.combination], one
        assert one.code in {found["code"] for found in one.findings}, one


@pytest.mark.parametrize("name", SHOWN_ELSEWHERE.values())
def test_codes_without_a_case_name_a_test(name: str) -> None:
    module, _, function = name.partition(".")
    assert f"def {function}(" in (Path(__file__).parent / f"{module}.py").read_text()


def with_docker(*, valid: bool) -> list[ParameterSet]:
    """Return the cases that are decided with Docker. Those that can do without it run so in `make test`."""
    return [
        pytest.param(case, marks=[] if case.data.get("needs") == "docker" else pytest.mark.test_all)
        for case in cases(valid=valid, docker=True)
    ]


def assert_found(case: Case, project: Path, docker: bool) -> None:
    report = check(project, "--json", docker=docker)
    found = [{**one, "text": line_of(project, one)} for one in report.findings]
    for one in case.findings:
        assert any(
            one["code"] == other["code"] and one["file"] == other["file"] and one["line"] in other["text"]
            for other in found
        ), (one, found)
    expected = {(one["code"], one["file"]) for one in case.findings}
    # Compose may reject the same edit in its own words.
    beside = [one for one in report.of("error") if (one["code"], one["file"]) not in expected]
    assert not [one for one in beside if one["code"] != "compose-rejects"], beside
    assert {one["level"] for one in found if one["code"] == case.code} == {case.level}
    assert report.code == (1 if report.of("error") else 0)
    assert all(one["message"] and one["remedy"] for one in report.of("error", "warning"))


def assert_accepted(project: Path, docker: bool) -> None:
    report = check(project, "--json", docker=docker)
    assert not report.of("error", "warning"), report.of("error", "warning")
    assert report.code == 0


@pytest.mark.parametrize("case", cases(valid=False, docker=False), ids=str)
def test_case_is_found_without_docker(case: Case, edited: Edited) -> None:
    assert_found(case, edited(case), docker=False)


@pytest.mark.engine
@pytest.mark.parametrize("case", with_docker(valid=False), ids=str)
def test_case_is_found_with_docker(case: Case, edited: Edited, build_image: Build) -> None:
    build_image(case.proxy)
    assert_found(case, edited(case), docker=True)


@pytest.mark.parametrize("case", cases(valid=True, docker=False), ids=str)
def test_valid_case_is_accepted_without_docker(case: Case, edited: Edited) -> None:
    assert_accepted(edited(case), docker=False)


@pytest.mark.engine
@pytest.mark.parametrize("case", with_docker(valid=True), ids=str)
def test_valid_case_is_accepted_with_docker(case: Case, edited: Edited, build_image: Build) -> None:
    build_image(case.proxy)
    assert_accepted(edited(case), docker=True)
