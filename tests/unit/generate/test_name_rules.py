"""The rules for project_name and project_slug, held against those of Docker, NuGet, YAML, XML and Markdown."""

import html
import json
import re
import unicodedata
import xml.etree.ElementTree as ElementTree

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.testkit.bake import REPO
from tests.testkit.hostile import HOSTILE
from tests.unit.generate.rules import many, refused
from uds_stack.generate import answers


@pytest.mark.parametrize("slug", ["a", "my-app", "my_app", "app2", "a-1", "h2o", "app", "tests", "a" * 40])
def test_slug_fault_accepts_ordinary_slugs(slug: str) -> None:
    assert refused(project_slug=slug) == []


@pytest.mark.parametrize(
    ("slug", "why"),
    [
        ("", "is not a name for an image"),
        ("MyApp", "is not a name for an image"),
        ("my app", "is not a name for an image"),
        ("my.app", "is not a name for an image"),
        ("-app", "is not a name for an image"),
        ("app-", "is not a name for an image"),
        ("a--b", "is not a name for an image"),
        ("3d", "is not a name for an image"),
        ("08", "is not a name for an image"),
        ("1e3", "is not a name for an image"),
        ("app\n", "is not a name for an image"),
        ("\u0430pp", "is not a name for an image"),  # a Cyrillic letter that looks like a
        ("a" * 41, "has 41 characters"),
        ("nul", "is a device on Windows"),
        ("com1", "is a device on Windows"),
        ("no", "is a value in YAML, not a name"),
        ("system", "is the name of an assembly"),
        ("xunit", "is the name of an assembly"),
        ("obj", "is the name of a folder"),
    ],
)
def test_slug_fault_gives_the_reason(slug: str, why: str) -> None:
    [line] = refused(project_slug=slug)

    assert line.startswith(f"project_slug: {answers.shown(slug)} {why}")
    assert re.search(r"such as \S+$", line)


@many
@given(st.one_of(HOSTILE, st.from_regex(r"[a-z0-9_-]{1,10}", fullmatch=True)))
def test_slug_fault_accepts_only_names_valid_in_every_tool(slug: str) -> None:
    if refused(project_slug=slug):
        return

    # As distribution/reference, the library behind Docker's image names, has it; and compose-spec for projects.
    assert re.fullmatch(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*", slug)
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", slug)
    assert re.fullmatch(r"\w+([.-]\w+)*", slug)  # NuGet
    assert yaml.safe_load(slug) == slug
    assert len(slug) <= 40
    assert not re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)", slug)


@pytest.mark.parametrize(
    "name",
    [
        "MyApp",
        "My App",
        "my_app",
        "Café Zürich's",
        "Ann’s Shop (2), v1.0!",
        "中文 App",
        "שלום",
        "O'Brien & Sons",
        "R&D: 50%",
        "x" * 60,
    ],
)
def test_name_fault_accepts_ordinary_names(name: str) -> None:
    assert refused(project_name=name) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is empty"),
        (" MyApp", "starts or ends with a space"),
        ("My  App", "starts or ends with a space"),
        ("x" * 61, "has 61 characters"),
        ("a\nb", "contains U+000A"),
        ("a\u202eb", "contains U+202E"),
        ("a\u200bb", "contains U+200B"),
        ("\ud800", "contains U+D800"),
        ('a"b', 'contains "'),
        ("{{ 7 }}", "contains {"),
        ("a<b", "contains <"),
        ("\U0001f680", "contains \U0001f680"),
        ("__init__", "starts with punctuation"),
        ("- App", "starts with punctuation"),
    ],
)
def test_name_fault_gives_the_reason(name: str, why: str) -> None:
    [line] = refused(project_name=name)

    assert line.startswith(f"project_name: {answers.shown(name)} {why}")


@many
@given(HOSTILE)
def test_name_fault_accepts_only_names_that_every_format_keeps(name: str) -> None:
    if refused(project_name=name):
        return

    assert name.isprintable()
    assert name.splitlines() == [name]
    assert not {unicodedata.category(character) for character in name} & {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
    assert html.unescape(html.escape(name)) == name
    assert ElementTree.fromstring(f"<a>{html.escape(name)}</a>").text == name
    assert json.dumps(name, ensure_ascii=False) == f'"{name}"'
    assert yaml.safe_load(f'"{name}"') == name
    assert yaml.safe_load(f"a: 1 # {name}") == {"a": 1}
    assert not re.search(r"[\\`$*#\[\]|~]|\b_|_\b", name)  # Markdown, shells


def test_slug_fault_refuses_the_names_of_packages() -> None:
    projects = [path.read_text() for path in REPO.glob("{{*}}/**/*.csproj")]
    packages = set(re.findall(r'PackageReference Include="([^"]+)"', "".join(projects)))
    assert packages

    # A slug has no dot. NuGet takes a package and a project of one name for a cycle.
    assert {package.lower() for package in packages if "." not in package} <= answers.ASSEMBLIES
