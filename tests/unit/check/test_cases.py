"""the check finds each case of a code at its place, and nothing in the valid ones."""

from collections.abc import Callable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.testkit.combinations import COMBINATIONS
from tests.unit.check import test_docker, test_report
from tests.unit.check.corpus import CASES, VALID, Case, cases, find, line_of
from uds_stack.check import catalogue
from uds_stack.check.report import CHECK_FAILED, SUPPRESSION
from uds_stack.options.kubernetes.manifests import Kubernetes

Edited = Callable[[Case], Path]
Build = Callable[[str], None]

# Codes without a case, each with the test that shows it.
SHOWN_ELSEWHERE: dict[str, Callable[..., None]] = {
    "volume-stale": test_docker.test_existing_volume_with_other_options,
    "check-failed": test_report.test_rule_that_fails,
}


def codes_of(combination: str) -> set[str]:
    """The codes that apply to a combination of answers."""
    proxy = catalogue.find_proxy({combination.partition("-")[0]})
    of_options = catalogue.OPTIONS[Kubernetes] if "kubernetes" in combination else []
    rules = [*catalogue.GENERAL, *catalogue.PROXIES[proxy], *of_options, SUPPRESSION, CHECK_FAILED]
    return {rule.code for rule in rules}


def test_each_code_has_a_case() -> None:
    folders = {folder.name for folder in CASES.iterdir()} - {VALID, "README.md"}
    assert folders | set(SHOWN_ELSEWHERE) == {code for name in COMBINATIONS for code in codes_of(name)}
    assert not folders & set(SHOWN_ELSEWHERE)
    for one in [*cases(valid=False, docker=True), *cases(valid=False, docker=False)]:
        assert one.code in codes_of(one.combination), one
        assert one.code in {found["code"] for found in one.findings}, one


def with_docker(*, valid: bool) -> list[ParameterSet]:
    """Return the cases that are decided with Docker. Those that can do without it run so in `make test`."""
    return [
        pytest.param(case, marks=[] if case.data.get("needs") == "docker" else pytest.mark.test_all)
        for case in cases(valid=valid, docker=True)
    ]


def assert_found(case: Case, project: Path, docker: bool) -> None:
    report = find(project, docker=docker)
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
    report = find(project, docker=docker)
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
