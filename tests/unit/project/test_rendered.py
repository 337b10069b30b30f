"""The generated files, read as their new owner would read them."""

import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.testkit import combinations
from tests.testkit.bake import REPO, cookiecutter
from tests.testkit.combinations import PROXIES
from tests.testkit.once import Once
from tests.testkit.process import run
from tests.unit.check.corpus import check

# What the tools make, and what is not text of ours.
MADE = {"publish", "bin", "obj", "tls"}
ANSWERS = ["project_name=Café 24", "http_port=18999", "socket_path=/run/cafe/sockets/k.sock"]


def files(project: Path) -> list[Path]:
    """All files that the template wrote."""
    return [path for path in sorted(project.rglob("*")) if path.is_file() and not MADE & set(path.parts)]


@pytest.fixture(scope="module")
def projects(once: Once) -> list[Path]:
    """A project of each combination, with these answers too, as its hooks would leave it. Read it, don't change it."""

    def bake(name: str) -> Path:
        def fill(folder: Path) -> None:
            combinations.finish(combinations.bake(name, folder, *ANSWERS))

        return once(f"rendered-{name}", fill) / "cafe-24"

    return [bake(name) for name in combinations.COMBINATIONS]


@pytest.fixture(scope="module")
def without_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with other answers, baked from a clone by its URL, where there is neither dotnet nor docker."""
    clone = tmp_path_factory.mktemp("origin") / "uds-stack.git"
    run("git", "clone", "--quiet", REPO, clone)
    output_dir = tmp_path_factory.mktemp("other")
    programs = tmp_path_factory.mktemp("programs")
    (programs / "git").symlink_to(str(shutil.which("git")))
    cookiecutter(f"file://{clone}", output_dir, *ANSWERS, env={"PATH": str(programs)})
    return output_dir / "cafe-24"


def test_bake_from_a_git_url_has_every_file(without_tools: Path, default_project: Path) -> None:
    def names(project: Path) -> set[str]:
        slug = project.name
        return {str(path.relative_to(project)).replace(slug, "SLUG") for path in files(project)}

    assert names(default_project) == names(without_tools)


def test_check_accepts_each_combination(projects: list[Path]) -> None:
    for project in projects:
        report = check(project, "--json", docker=False)

        assert report.of("error", "warning") == [], project
        assert report.code == 0, project


def test_files_hold_no_trace_of_the_generator(projects: list[Path]) -> None:
    for project in projects:
        for path in files(project):
            text = path.read_bytes().decode("utf-8")
            assert not re.search(r"cookiecutter\.|\{%-? *(if|el|end|for|raw|set)", text), path
            assert "myapp" not in text.lower(), path  # the default name
            assert "\r" not in text, path
            assert text.endswith("\n"), path
            assert not text.startswith("\n"), path
            assert not text.endswith("\n\n"), path
            assert not re.search(r"[ \t]\n", text), path
            if path.suffix != ".py":
                assert "\n\n\n" not in text, path


def test_files_name_no_proxy_but_the_chosen_one(projects: list[Path]) -> None:
    for project in projects:
        others = [proxy for proxy in PROXIES if not (project / proxy).is_dir()]

        assert len(others) == len(PROXIES) - 1, project
        for path in files(project):
            text = f"{path.relative_to(project)}\n{path.read_text(encoding='utf-8')}".lower()
            assert [proxy for proxy in others if proxy in text] == [], path


def test_files_are_about_https_only_where_it_is_on(projects: list[Path]) -> None:
    for project in projects:
        texts = [path.read_text(encoding="utf-8") for path in files(project)]

        for word in ("HTTPS_PORT", "8443", "tls/live", "/etc/tls"):
            assert any(word in text for text in texts) == (project / "tls").exists(), (word, project)


def test_files_are_about_kubernetes_only_where_it_is_on(projects: list[Path]) -> None:
    for project in projects:
        written = [path for path in files(project) if path.name != ".uds-stack.json"]  # which records every answer
        texts = [f"{path.relative_to(project)}\n{path.read_text(encoding='utf-8')}" for path in written]

        assert any("kubernetes" in text.lower() for text in texts) == (project / "kustomization.yaml").exists(), project


def test_structured_files_parse(projects: list[Path]) -> None:
    class ComposeLoader(yaml.SafeLoader):
        """YAML with Compose's own tags."""

    ComposeLoader.add_constructor("!reset", lambda loader, node: None)
    parsers: dict[str, Callable[[str], object]] = {
        ".json": json.loads,
        ".yaml": lambda text: yaml.load(text, ComposeLoader),
        ".yml": yaml.safe_load,
        ".csproj": ElementTree.fromstring,
        ".props": ElementTree.fromstring,
        ".slnx": ElementTree.fromstring,
    }
    for project in projects:
        structured = [path for path in files(project) if path.suffix in parsers]
        parsed = {path.name for path in structured if parsers[path.suffix](path.read_text()) is not None}

        assert {"compose.yaml", "appsettings.json", "cafe-24.csproj", "cafe-24.slnx", "ci.yml"} <= parsed, project


def test_answers_are_in_their_files(projects: list[Path]) -> None:
    for project in projects:
        compose = yaml.safe_load((project / "compose.yaml").read_text())
        assert compose["name"] == "cafe-24"
        (_, app), (name, proxy) = compose["services"].items()
        assert proxy["ports"][0] == "${HTTP_BIND:-127.0.0.1}:${HTTP_PORT:-18999}:8080"
        assert [service["volumes"][-1]["target"] for service in (app, proxy)] == ["/run/cafe/sockets"] * 2
        configs = [path.read_text() for path in (project / name).iterdir()]
        assert any(re.search(r"unix[:/]/run/cafe/sockets/k\.sock\b", text) for text in configs)
        settings = json.loads((project / "src/cafe-24/appsettings.json").read_text())
        assert settings["Socket"]["Path"] == "/run/cafe/sockets/k.sock"
        assert "HTTP_PORT=18999\n" in (project / ".env").read_text()
        assert "<RootNamespace>Cafe24App</RootNamespace>" in (project / "src/cafe-24/cafe-24.csproj").read_text()
