"""Where the command uds-stack is installed from: from where the template came."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.testkit.bake import REPO, cookiecutter
from uds_stack.generate.source import install_command, source_of

OWN = json.loads((REPO / "cookiecutter.json").read_text())["__template"]


@pytest.mark.parametrize(
    ("template", "source"),
    [
        ("gh:org/uds-stack", "git+https://github.com/org/uds-stack.git"),
        ("gl:org/uds-stack", "git+https://gitlab.com/org/uds-stack.git"),
        ("bb:org/uds-stack", "git+https://bitbucket.org/org/uds-stack"),
        ("https://example.org/uds-stack", "git+https://example.org/uds-stack"),
        ("git+https://example.org/uds-stack", "git+https://example.org/uds-stack"),
        ("https://me:secret@example.org/uds-stack", "git+https://example.org/uds-stack"),
        ("https://me:sec@ret@example.org/uds-stack", "git+https://example.org/uds-stack"),
        ("https://me:secret@example.org/main.zip", "https://example.org/main.zip"),
        ("git@example.org:org/uds-stack.git", "git+ssh://git@example.org/org/uds-stack.git"),
        ("ssh://git@example.org/uds-stack", "git+ssh://git@example.org/uds-stack"),
        ("file:///srv/uds-stack.git", "git+file://localhost/srv/uds-stack.git"),
        ("https://example.org/uds-stack/main.zip", "https://example.org/uds-stack/main.zip"),
        ("/srv/uds-stack", "/srv/uds-stack"),
        (".", "/here"),
        ("../uds-stack", "/here"),
        ("work:uds-stack", f"git+{OWN}"),  # an abbreviation of the user's own
        (None, f"git+{OWN}"),
    ],
)
def test_source_is_where_the_template_came_from(template: str | None, source: str) -> None:
    assert source_of({"_template": template, "__template": OWN}, Path("/here")) == source


def test_source_is_the_version_that_was_checked_out() -> None:
    answers = {"_template": "gh:org/uds-stack", "_checkout": "v1.2", "__template": OWN}

    assert source_of(answers) == "git+https://github.com/org/uds-stack.git@v1.2"


def test_source_is_an_archive_beside_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "uds-stack.zip").touch()
    monkeypatch.setenv("PWD", str(tmp_path))

    assert source_of({"_template": "uds-stack.zip"}) == f"{tmp_path}/uds-stack.zip"


@pytest.mark.parametrize(("tools", "command"), [([], "pipx"), (["uv"], "uv tool"), (["uv", "pipx"], "pipx")])
def test_command_uses_what_is_installed(
    tools: list[str], command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in tools:
        (tmp_path / tool).symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert install_command("/my templates/uds-stack") == f"{command} install '/my templates/uds-stack'"


def test_readme_and_last_lines_name_the_folder(bake: Callable[..., str], output_dir: Path) -> None:
    printed = bake()

    what = "The command uds-stack checks the project after an edit, and deploys it without losing a request:"
    assert f"{what}\n    pipx install {shlex.quote(str(REPO))}\n" in printed
    readme = (output_dir / "myapp/README.md").read_text()
    assert f"`pipx install {shlex.quote(str(REPO))}`" in readme
    assert OWN not in readme


def test_project_without_hooks_names_the_templates_own_url(output_dir: Path) -> None:
    cookiecutter(REPO, output_dir, "--accept-hooks=no")

    assert f"`pipx install git+{OWN}`" in (output_dir / "myapp/README.md").read_text()
    workflow = (output_dir / "myapp/.github/workflows/ci.yml").read_text()
    assert f"      - run: pipx run --spec git+{OWN} uds-stack check\n" in workflow
    assert re.findall(r"uses: (?!\S+@[0-9a-f]{40} # v)", workflow) == []
