"""What a display name becomes: the slug and the C# namespace are made to fit, as Cookiecutter derives them."""

import html
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import pytest
from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.testkit.bake import REPO, cookiecutter
from tests.testkit.process import run
from uds_stack.generate import answers

# Names that people give, and their namespaces.
NAMES = {
    "My App": "MyApp",
    "class": "ClassApp",
    "3D Shop": "App3DShop",
    "O'Brien & Sons": "OBrienSonsApp",
    "Straße 7": "Strasse7App",
    "System": "SystemApp",
    "Program": "ProgramApp",
    "Unix socket": "UnixSocketApp",
    "日本語": "RiBenYuApp",
    "100% Shop; R&D: 50/50": "App100ShopRD5050",
}
# Those that C# or the generated code would take for something else, and those that change most on the way.
BUILT = ["class", "3D Shop", "System", "Program", "Unix socket", "日本語"]


def derive(name: str) -> Mapping[str, str]:
    """The context that Cookiecutter makes of a display name."""
    context = generate_context(str(REPO / "cookiecutter.json"), extra_context={"project_name": name})
    derived: Mapping[str, str] = prompt_for_config(context, no_input=True)
    return derived


@pytest.mark.parametrize(("name", "namespace"), NAMES.items(), ids=lambda value: str(value))
def test_namespace_is_derived_from_the_name(name: str, namespace: str) -> None:
    assert derive(name)["__namespace"] == namespace


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"[A-Za-z0-9ÄÖé日Я][A-Za-z0-9ÄÖé日Я '&.-]{0,20}", fullmatch=True))
def test_derived_slug_and_namespace_are_valid_for_each_accepted_name(name: str) -> None:
    if answers.name_fault(name):
        return
    context = derive(name)

    slug = context["project_slug"]
    assert answers.slug_fault(slug) is None or slug in answers.TAKEN_SLUGS
    assert re.fullmatch(r"App[0-9][A-Za-z0-9]*|([A-Z][A-Za-z0-9]*)?App", context["__namespace"])


def test_name_whose_slug_is_taken_is_refused_with_a_right_one() -> None:
    for slug in answers.TAKEN_SLUGS:
        assert derive(slug.title())["project_slug"] == slug
        fault = str(answers.slug_fault(slug))
        right = fault.rpartition("such as ")[2]
        assert right == f"{slug}-app"
        assert answers.slug_fault(right) is None


def test_name_is_escaped_in_each_format(tmp_path: Path) -> None:
    name = "100% O'Brien & Sons"
    cookiecutter(REPO, tmp_path, "--accept-hooks=no", f"project_name={name}", "project_slug=shop")
    project = tmp_path / "shop"

    properties = ElementTree.parse(project / "src/shop/shop.csproj").getroot()
    assert unquote(properties.findtext(".//Product") or "") == name  # MSBuild unescapes %25
    [title] = re.findall("<title>(.*)</title>", (project / "h2o/502.html").read_text())
    assert html.unescape(title) == f"{name}: back in a moment"
    assert (project / "README.md").read_text().startswith("# 100% O'Brien &amp; Sons\n")
    assert (project / "compose.yaml").read_text().startswith(f"# {name}\n")


@pytest.mark.test_all
@pytest.mark.sdk
@pytest.mark.xdist_group("sdk")
def test_project_of_each_name_builds(tmp_path: Path) -> None:
    folders = []
    for number, name in enumerate(BUILT):
        folder = tmp_path / str(number)
        folder.mkdir()
        cookiecutter(REPO, folder, "--accept-hooks=no", f"project_name={name}", f"project_slug=name{number}")
        projects = [path.relative_to(tmp_path) for path in folder.glob("*/*/*/*.csproj")]
        assert len(projects) == 4
        references = "".join(f'<Project Path="{path}" />' for path in projects)
        folders.append(f'<Folder Name="/{number}/">{references}</Folder>')
    (tmp_path / "all.slnx").write_text(f"<Solution>{''.join(folders)}</Solution>")

    built = run("dotnet", "build", "all.slnx", "--nologo", cwd=tmp_path, check=False)

    assert built.returncode == 0, built.stdout
    assert "0 Warning(s)" in built.stdout
