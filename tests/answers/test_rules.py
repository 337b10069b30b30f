"""The rules for the answers, held against the rules of those who will read them: Docker, YAML, .NET, the kernel."""

import html
import json
import re
import socket
import tempfile
import unicodedata
import xml.etree.ElementTree as ElementTree
from pathlib import PurePosixPath

import answers
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.testkit.bake import REPO
from tests.testkit.hostile import HOSTILE

RIGHT = {
    "project_name": "My App",
    "project_slug": "my-app",
    "http_port": "8080",
    "socket_path": "/tmp/my-app/kestrel.sock",
    "proxy": "h2o",
    "https": False,
}
PORTS = {str(number) for number in range(1, 65536)}
many = settings(max_examples=600, deadline=None)


def refused(**wrong: object) -> list[str]:
    """What is refused where all other answers are right."""
    return answers.refusals({**RIGHT, **wrong})


def test_refusals_are_empty_for_valid_answers() -> None:
    assert refused() == []


def test_refusals_are_in_the_order_of_the_questions() -> None:
    wrong = {"project_name": "a{b", "project_slug": "nul", "http_port": "80a", "socket_path": "/tmp/x.sock"}

    assert [line.split(":")[0] for line in refused(**wrong)] == list(wrong)


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
        ("no", "is not a name but a value to YAML"),
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


@pytest.mark.parametrize("port", ["1", "80", "8080", "65535"])
def test_port_fault_accepts_ports(port: str) -> None:
    assert refused(http_port=port) == []


@many
@given(st.one_of(HOSTILE, st.integers(-9, 99999).map(str), st.from_regex(r"[\d.e+_ -]{1,6}", fullmatch=True)))
def test_port_fault_accepts_nothing_but_ports(port: str) -> None:
    assert bool(refused(http_port=port)) != (port in PORTS)


@pytest.mark.parametrize(
    "path",
    ["/tmp/a/b", "/run/a/b.sock", "/tmp/my_app-1.x/deep/er/kestrel.sock", "/run/userland/x", "/tmp/a/" + "b" * 91],
)
def test_socket_fault_accepts_a_path_in_its_own_directory(path: str) -> None:
    assert refused(socket_path=path) == []


@pytest.mark.parametrize(
    "path",
    [
        "kestrel.sock",
        "tmp/myapp/kestrel.sock",
        "/tmp/kestrel.sock",
        "/run/kestrel.sock",
        "/tmp/myapp/",
        "/tmp/../etc/x/y",
        "/tmp/a/../b/c",
        "/tmp/./a/b",
        "/tmp//a/b",
        "//tmp/a/b",
        "/var/run/a/b",
        "/tmpx/a/b",
        "/tmp/.dotnet/x",
        "/tmp/-a/b",
        "/tmp/a b/c",
        "/tmp/a/b\n",
        "/tmp/\u00e9/b",
        "/run/secrets/x",
        "/run/user/1000/x",
        "/tmp/a/" + "b" * 92,
        r"C:\tmp\myapp\kestrel.sock",
        "",
    ],
)
def test_socket_fault_refuses_other_paths(path: str) -> None:
    [line] = refused(socket_path=path)

    assert line.startswith(f"socket_path: {answers.shown(path)} ")
    assert line.endswith("/kestrel.sock")


@many
@given(st.one_of(HOSTILE, HOSTILE.map(lambda text: f"/tmp/{text}/s"), st.from_regex(r"/run(/[a-z.]{1,3}){1,4}/?")))
def test_socket_fault_accepts_only_paths_that_every_parser_keeps(path: str) -> None:
    if refused(socket_path=path):
        return

    pure = PurePosixPath(path)
    assert str(pure) == path
    assert len(pure.parts) >= 4
    assert pure.parts[:2] in {("/", "tmp"), ("/", "run")}
    assert ".." not in pure.parts
    assert yaml.safe_load(f"{{target: {path}}}") == {"target": path}
    assert json.loads(f'"{path}"') == path
    assert len(path.encode()) + len(".1a2b3c4d") <= 107


def test_socket_path_length_is_the_limit_of_the_kernel() -> None:
    with tempfile.TemporaryDirectory() as folder:
        longest = f"{folder}/{'x' * (answers.SOCKET_PATH_LENGTH - len(folder) - 1)}.1a2b3c4d"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(longest)
        with socket.socket(socket.AF_UNIX) as listener, pytest.raises(OSError, match="too long"):
            listener.bind(longest + "x")


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
        ("a\nb", "holds U+000A"),
        ("a\u202eb", "holds U+202E"),
        ("a\u200bb", "holds U+200B"),
        ("\ud800", "holds U+D800"),
        ('a"b', 'holds "'),
        ("{{ 7 }}", "holds {"),
        ("a<b", "holds <"),
        ("\U0001f680", "holds \U0001f680"),
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


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*RIGHT]), st.one_of(HOSTILE, st.none(), st.booleans(), st.lists(HOSTILE))))
def test_refusal_is_one_printable_line(wrong: dict[str, object]) -> None:
    for line in refused(**wrong):
        assert line.isprintable()
        assert len(line) < 300


def test_refusals_name_an_answer_that_is_not_text() -> None:
    assert refused(project_slug=False) == ['project_slug: "False" is not text; put it between quotes']


@pytest.mark.parametrize(("version", "old"), [("1.7.3", True), ("2.5.0", True), ("2.6.0", False), ("2.10.1", False)])
def test_too_old_compares_versions_as_numbers(version: str, old: bool) -> None:
    assert bool(answers.too_old(version)) == old
