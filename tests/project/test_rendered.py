"""The generated files, read as their new owner would read them."""

import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.testkit.bake import REPO, cookiecutter
from tests.testkit.process import run

# What the tools make, and what is not text of ours.
MADE = {"publish", "bin", "obj"}


def files(project: Path) -> list[Path]:
    """All files that the template wrote."""
    return [path for path in sorted(project.rglob("*")) if path.is_file() and not MADE & set(path.parts)]


@pytest.fixture(scope="module")
def without_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with other answers, baked from a clone by its URL, where there is neither dotnet nor docker."""
    clone = tmp_path_factory.mktemp("origin") / "uds-stack.git"
    run("git", "clone", "--quiet", REPO, clone)
    output_dir = tmp_path_factory.mktemp("other")
    programs = tmp_path_factory.mktemp("programs")
    (programs / "git").symlink_to(str(shutil.which("git")))
    answers = ["project_name=Café 24", "http_port=18999", "socket_path=/run/cafe/sockets/k.sock"]
    cookiecutter(f"file://{clone}", output_dir, *answers, env={"PATH": str(programs)})
    return output_dir / "cafe-24"


def test_bake_from_a_git_url_has_every_file(without_tools: Path, default_project: Path) -> None:
    def names(project: Path) -> set[str]:
        slug = project.name
        return {str(path.relative_to(project)).replace(slug, "SLUG") for path in files(project)}

    # The override is there only where the app was published.
    assert names(default_project) - names(without_tools) == {"compose.override.yaml"}


@pytest.mark.parametrize("project", ["default_project", "without_tools"])
def test_files_hold_no_trace_of_the_generator(project: str, request: pytest.FixtureRequest) -> None:
    for path in files(request.getfixturevalue(project)):
        text = path.read_bytes().decode("utf-8")
        assert not re.search(r"cookiecutter\.|\{%-? *(end)?(if|for|raw|set)", text), path
        assert "\r" not in text, path
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert not re.search(r"[ \t]\n", text), path
        if path.suffix != ".py":
            assert "\n\n\n" not in text, path


def test_structured_files_parse(without_tools: Path) -> None:
    class ComposeLoader(yaml.SafeLoader):
        """YAML with Compose's own tags."""

    ComposeLoader.add_constructor("!reset", lambda loader, node: None)
    parsers: dict[str, Callable[[str], object]] = {
        ".json": json.loads,
        ".yaml": lambda text: yaml.load(text, ComposeLoader),
        ".yml": yaml.safe_load,
        ".conf": yaml.safe_load,
        ".csproj": ElementTree.fromstring,
        ".props": ElementTree.fromstring,
        ".slnx": ElementTree.fromstring,
    }
    structured = [path for path in files(without_tools) if path.suffix in parsers]
    parsed = {path.name for path in structured if parsers[path.suffix](path.read_text()) is not None}

    assert {"compose.yaml", "h2o.conf", "appsettings.json", "cafe-24.csproj", "cafe-24.slnx", "ci.yml"} <= parsed


def test_answers_are_in_their_files(without_tools: Path) -> None:
    compose = yaml.safe_load((without_tools / "compose.yaml").read_text())
    assert compose["name"] == "cafe-24"
    assert compose["services"]["h2o"]["ports"] == ["${HTTP_BIND:-127.0.0.1}:${HTTP_PORT:-18999}:8080"]
    assert [service["volumes"][-1]["target"] for service in compose["services"].values()] == ["/run/cafe/sockets"] * 2
    h2o = yaml.safe_load((without_tools / "h2o/h2o.conf").read_text())
    assert h2o["hosts"]["default"]["paths"]["/"][-1]["proxy.reverse.url"] == "http://[unix:/run/cafe/sockets/k.sock]/"
    settings = json.loads((without_tools / "src/cafe-24/appsettings.json").read_text())
    assert settings["Socket"]["Path"] == "/run/cafe/sockets/k.sock"
    assert "HTTP_PORT=18999\n" in (without_tools / ".env").read_text()
    assert "namespace Cafe24.UnixSocket;" in (without_tools / "src/cafe-24/UnixSocket/SocketFile.cs").read_text()
