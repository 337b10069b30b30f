"""Whatever the files hold, the check ends with 0 or 1, and reports what it cannot read: never a traceback."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.testkit.bake import copy_project
from tests.unit.check.corpus import check
from uds_stack.check.report import report

YAML = ["compose.yaml", "h2o/h2o.conf"]
FILES = [*YAML, ".env", "src/shop/Program.cs", "src/shop/appsettings.json", "src/shop/shop.csproj", "Dockerfile"]
FILES += ["Directory.Build.props", "h2o/Dockerfile"]


@pytest.fixture(scope="module")
def mangled(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of which each test mangles one file and restores it."""
    return copy_project(shop, tmp_path_factory.mktemp("mangled") / "shop")


@pytest.fixture
def ask(mangled: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """A function that runs the check in this process, for speed: a subprocess for each of thousands takes minutes."""
    return in_this_process(mangled, monkeypatch)


def in_this_process(mangled: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    monkeypatch.setenv("PATH", str(mangled))

    def run() -> list[dict[str, Any]]:
        found = [one._asdict() for one in report(mangled)]
        failed = [one["message"] for one in found if one["code"] == "check-failed"]
        assert not failed, failed
        json.dumps(found)
        return found

    return run


def with_content(file: Path, content: bytes, ask: Callable[[], object]) -> None:
    before = file.read_bytes()
    try:
        file.write_bytes(content)
        ask()
    finally:
        file.write_bytes(before)


mangling = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=100)


@mangling
@given(file=st.sampled_from(FILES), content=st.binary(max_size=300))
def test_random_bytes(mangled: Path, ask: Callable[[], object], file: str, content: bytes) -> None:
    with_content(mangled / file, content, ask)


@pytest.mark.test_all
@mangling
@given(file=st.sampled_from(FILES), at=st.floats(0, 1), junk=st.text(max_size=12), cut=st.booleans())
def test_file_that_is_cut_or_has_junk(
    mangled: Path, ask: Callable[[], object], file: str, at: float, junk: str, cut: bool
) -> None:
    before = (mangled / file).read_bytes()
    point = int(at * len(before))
    rest = b"" if cut else before[point:]
    with_content(mangled / file, before[:point] + junk.encode("utf-8", "replace") + rest, ask)


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], by: object) -> object:
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


OTHERS: list[object] = [None, "", "text", "a:b:c:d", [], [None], [[]], [{}], {}, {"a": None}, {"a": {"b": [1]}}, 0, -1]
OTHERS += [10**12, 1.5, True, False, "\N{NO-BREAK SPACE}", "${A:-${B}}", "/", "..", "~", ["", "", ""], "0" * 400]


@pytest.mark.test_all
@pytest.mark.parametrize("file", [*YAML, "src/shop/appsettings.json"])
def test_other_type_at_each_value(mangled: Path, ask: Callable[[], object], file: str) -> None:
    data = yaml.load((mangled / file).read_text(), Loader=yaml.BaseLoader)
    data = json.loads((mangled / file).read_text()) if file.endswith("json") else data
    chance = random.Random(1)
    for path in places(data):
        for other in chance.sample(OTHERS, 6):
            changed = replaced(data, path, other)
            content = json.dumps(changed) if file.endswith("json") else yaml.safe_dump(changed)
            with_content(mangled / file, content.encode(), ask)


LAUGHS = b"a0: &a0 [x]\n"
LAUGHS += b"".join(b"a%d: &a%d [%s]\n" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 12))


@pytest.mark.test_all
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0" * 100, id="zeros"),
        pytest.param(b"\xff\xfe" + "services: {}".encode("utf-16-le"), id="utf-16"),
        pytest.param(b"[" * 100_000, id="deep list"),
        pytest.param(b'{"a":' * 20_000, id="deep mapping"),
        pytest.param(b"a: &a [*a, *a]\nb: {<<: *a}", id="contains itself"),
        pytest.param(b"a: &a {<<: *a}", id="merges itself"),
        pytest.param(b"services: &s\n  app: *s\n  h2o: *s\nhosts: *s", id="services in services"),
        pytest.param(LAUGHS, id="a billion laughs"),
        pytest.param(b"x" * 300_000, id="larger than it reads"),
        pytest.param(b"- 1\n- 2\n", id="a list"),
        pytest.param(b"just words", id="words"),
        pytest.param(b"--- a\n--- b\n", id="two documents"),
        pytest.param(b'a: "\\UFFFFFFFF"\n%YAML 9.9\n', id="no character"),
        pytest.param(b"? [a, b]\n: {c: d}\n? {e: f}\n: g\n", id="keys that are no text"),
        pytest.param(b"a: !!python/object:os.system 1\nb: !!binary x\nc: !!timestamp 2\nd: !x y\n", id="tags"),
        pytest.param(b"a: b\n" * 2000, id="the same key 2000 times"),
        pytest.param(b"A" * 60_000 + b"=" + b"'" * 60_000, id="long line"),
        pytest.param(b'"' * 99_999, id="quotes"),
        pytest.param(b"/*" * 99_999, id="comments"),
    ],
)
def test_hostile_contents(mangled: Path, ask: Callable[[], object], file: str, content: bytes) -> None:
    with_content(mangled / file, content, ask)


@pytest.mark.parametrize("file", FILES)
def test_name_that_is_not_a_file(project: Path, file: str) -> None:
    path = project / file
    path.unlink()

    def survives() -> None:
        report = check(project, "--json", docker=False)
        assert report.code in (0, 1)
        assert not [one for one in report.findings if one["code"] == "check-failed"]

    survives()
    path.mkdir()
    survives()
    path.rmdir()
    for target in (path, Path("/dev/zero"), Path("/proc/self/mem")):
        path.symlink_to(target)
        survives()
        path.unlink()


@pytest.fixture(params=["nginx/nginx.conf", "caddy/Caddyfile"])
def proxy_config(
    request: pytest.FixtureRequest,
    shop_of: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Path, Callable[[], object]]:
    """The configuration of another proxy than H2O, to mangle, and a function that checks its project."""
    proxy = request.param.partition("/")[0]
    project = copy_project(shop_of(f"{proxy}-https"), tmp_path / "shop")
    return project / request.param, in_this_process(project, monkeypatch)


@pytest.mark.test_all
def test_proxy_config_without_a_line_or_a_word(proxy_config: tuple[Path, Callable[[], object]]) -> None:
    file, ask = proxy_config
    lines = file.read_text().splitlines(keepends=True)
    for i, line in enumerate(lines):
        words = line.split(" ")
        word = random.Random(i).randrange(len(words))
        for changed in ("", " ".join(words[:word] + words[word + 1 :]), line.replace(";", ""), "}" + line, '"' + line):
            with_content(file, "".join([*lines[:i], changed, *lines[i + 1 :]]).encode(), ask)


@pytest.mark.test_all
@mangling
@given(at=st.floats(0, 1), junk=st.text(max_size=12), cut=st.booleans())
def test_proxy_config_that_is_cut_or_has_junk(
    proxy_config: tuple[Path, Callable[[], object]], at: float, junk: str, cut: bool
) -> None:
    file, ask = proxy_config
    before = file.read_bytes()
    point = int(at * len(before))
    with_content(file, before[:point] + junk.encode("utf-8", "replace") + (b"" if cut else before[point:]), ask)


@pytest.mark.test_all
@pytest.mark.parametrize(
    "content", [b"", b"{" * 9999, b"a {" * 9999, b"a " * 9999, b"9" * 9999, b"\\" * 9999, b"${" * 9999]
)
def test_hostile_proxy_config(proxy_config: tuple[Path, Callable[[], object]], content: bytes) -> None:
    file, ask = proxy_config
    with_content(file, content, ask)
    with_content(file, b"http { server { proxy_read_timeout " + content, ask)


def test_empty_folder(tmp_path: Path) -> None:
    (tmp_path / ".uds-stack.json").write_text("{}")
    report = check(tmp_path, "--json", docker=False)
    assert report.code == 1
    assert {one["file"] for one in report.of("error")} >= {"compose.yaml", "h2o/h2o.conf"}
    assert not [one for one in report.findings if one["code"] == "check-failed"]
