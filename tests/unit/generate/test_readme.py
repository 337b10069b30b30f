"""The generated README: it names what is there, and nothing of what a project no longer has."""

import re
from pathlib import Path

import pytest

from tests.testkit import combinations


@pytest.mark.parametrize("name", ["h2o", "nginx-https", "caddy-https-native-kubernetes"])
def test_readme_names_what_is_there(name: str, tmp_path: Path) -> None:
    project = combinations.bake(name, tmp_path / "out")
    text = (project / "README.md").read_text()

    listed = re.findall(r"^- `([^`]+)`: ", text.partition("## Where things are")[2].partition("\n## ")[0], re.M)
    assert len(listed) >= 7
    assert [path for path in listed if not (project / path).exists()] == []
    for path in project.rglob("*.*"):
        if path.is_file():
            assert not re.search(r"redeploy\.py|check\.py|scripts/|compose\.override", path.read_text()), path
    assert list(project.rglob("*.py")) == []


def test_readme_is_short(tmp_path: Path) -> None:
    project = combinations.bake("h2o", tmp_path / "out")
    text = (project / "README.md").read_text()

    assert len(text.splitlines()) <= 140
    assert max(map(len, text.splitlines())) <= 140
