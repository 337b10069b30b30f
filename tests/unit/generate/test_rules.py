"""The rules for the answers together: their order, their one line each, and the version of Cookiecutter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.testkit.combinations import COMBINATIONS
from tests.testkit.hostile import HOSTILE
from tests.unit.generate.rules import RIGHT, refused
from uds_stack.generate import answers


def test_refusals_are_empty_for_valid_answers() -> None:
    assert refused() == []


def test_refusals_are_in_the_order_of_the_questions() -> None:
    wrong = {"project_name": "a{b", "project_slug": "nul", "http_port": "80a", "socket_path": "/tmp/x.sock"}

    assert [line.split(":")[0] for line in refused(**wrong)] == list(wrong)


def test_combinations_are_all_that_are_not_refused() -> None:
    possible = [
        [f"proxy={proxy}", *https, *native, *kubernetes]
        for kubernetes in ([], ["kubernetes=yes"])
        for native in ([], ["native_aot=yes"])
        for proxy in answers.PROXIES
        for https in ([], ["https=yes"])
    ]

    accepted = [each for each in possible if not refused(**dict(answer.split("=") for answer in each))]

    assert list(COMBINATIONS.values()) == accepted


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from([*RIGHT]), st.one_of(HOSTILE, st.none(), st.booleans(), st.lists(HOSTILE))))
def test_refusal_is_one_printable_line(wrong: dict[str, object]) -> None:
    for line in refused(**wrong):
        assert line.isprintable()
        assert len(line) < 300


def test_refusals_name_an_answer_that_is_not_text() -> None:
    assert refused(project_slug=False) == ['project_slug: "no" is not text; put it between quotes']


@pytest.mark.parametrize(("version", "old"), [("1.7.3", True), ("2.5.0", True), ("2.6.0", False), ("2.10.1", False)])
def test_too_old_compares_versions_as_numbers(version: str, old: bool) -> None:
    assert bool(answers.too_old(version)) == old
