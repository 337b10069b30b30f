"""Each breaking edit of the corpus is found, where it is and under its own code; no harmless one is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.check.corpus import Edit, check, edits, line_of

Edited = Callable[[Edit], Path]


def assert_found(edit: Edit, project: Path, docker: bool) -> None:
    report = check(project, "--json", docker=docker)
    level = edit.said.get("level", "error")
    expected = edit.said["finds"]
    said = [{**one, "text": line_of(project, one)} for one in report.findings]
    for one in expected:
        assert any(
            one["code"] == other["code"] and one["file"] == other["file"] and one["line"] in other["text"]
            for other in said
            if other["level"] in ("error", "warning")
        ), (one, said)
    beside = [
        other
        for other in report.of("error")
        if not any(one["code"] == other["code"] and one["file"] == other["file"] for one in expected)
    ]
    assert not beside, beside
    assert report.of(level)
    assert report.code == (1 if level == "error" else 0)
    assert all(one["message"] and one["remedy"] for one in report.of("error", "warning"))


@pytest.mark.parametrize("edit", edits("breaking", docker=False), ids=str)
def test_a_breaking_edit_is_found_without_docker(edit: Edit, edited: Edited) -> None:
    assert_found(edit, edited(edit), docker=False)


@pytest.mark.engine
@pytest.mark.usefixtures("h2o_image")
@pytest.mark.parametrize("edit", edits("breaking", docker=True), ids=str)
def test_a_breaking_edit_is_found_with_docker(edit: Edit, edited: Edited) -> None:
    assert_found(edit, edited(edit), docker=True)


@pytest.mark.parametrize("edit", edits("harmless", docker=False), ids=str)
def test_a_harmless_edit_is_not_refused_without_docker(edit: Edit, edited: Edited) -> None:
    report = check(edited(edit), "--json", docker=False)
    assert not report.of("error", "warning"), report.of("error", "warning")
    assert report.code == 0


@pytest.mark.engine
@pytest.mark.usefixtures("h2o_image")
@pytest.mark.parametrize("edit", edits("harmless", docker=True), ids=str)
def test_a_harmless_edit_is_not_refused_with_docker(edit: Edit, edited: Edited) -> None:
    report = check(edited(edit), "--json", docker=True)
    assert not report.of("error", "warning"), report.of("error", "warning")
    assert report.code == 0
