"""What holds for the files of the template, so that options can be added as files."""

import json
import shutil
from pathlib import Path

from tests.testkit.bake import REPO, cookiecutter
from tests.testkit.process import run

PROJECT = next(REPO.glob("{{*}}"))


def tracked() -> list[Path]:
    """The files of the generated project in the template, relative to its folder, without what tools made there."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=PROJECT).stdout
    return sorted(Path(name) for name in listed.split("\0") if name and (PROJECT / name).is_file())


def test_directory_names_hold_no_condition() -> None:
    # Switched off, such a directory aborts Cookiecutter, or lands outside of the project.
    folders = {folder for path in tracked() for folder in path.parents}

    assert Path("{{cookiecutter.__proxy}}") in folders
    assert [folder for folder in folders if "{%" in str(folder)] == []


def test_file_names_are_valid_on_windows() -> None:
    assert [path for path in tracked() if set('"<>|?*:\\') & set(str(path))] == []


def test_another_proxy_has_its_own_folder_and_files(tmp_path: Path) -> None:
    template = tmp_path / "template"
    for path in tracked():
        (template / PROJECT.name / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / path, template / PROJECT.name / path)
    questions = json.loads((REPO / "cookiecutter.json").read_text(encoding="utf-8"))
    (template / "cookiecutter.json").write_text(json.dumps({**questions, "__proxy": "other"}))
    condition = "{% if cookiecutter.__proxy == 'other' %}other.conf{% endif %}"
    (template / PROJECT.name / "{{cookiecutter.__proxy}}" / condition).write_text("port: {{cookiecutter.http_port}}\n")
    (tmp_path / "out").mkdir()

    cookiecutter(template, tmp_path / "out")

    project = tmp_path / "out" / "myapp"
    assert (project / "other/other.conf").read_text() == "port: 8080\n"
    assert [path for path in project.rglob("*") if "h2o" in path.name] == []
    assert [path for path in (tmp_path / "out").rglob("*") if "{" in path.name] == []
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["myapp"]
