"""The package behind redeploy.py: how it is built, and its decisions that need no engine."""

import ast
import graphlib
import importlib
import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.testkit.bake import REPO, cookiecutter
from tests.testkit.combinations import PROXIES
from tests.testkit.process import eventually, run
from tests.testkit.stack import free_port

PROXY = re.compile("|".join(PROXIES), re.IGNORECASE)
WEB = '<Project Sdk="Microsoft.NET.Sdk.Web"></Project>'


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of a generated project."""
    output_dir = tmp_path_factory.mktemp("scripts")
    cookiecutter(REPO, output_dir, "--accept-hooks", "no")
    return output_dir / "myapp" / "scripts"


@pytest.fixture
def deploy(scripts: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The modules of the package, imported as redeploy.py imports them."""
    monkeypatch.syspath_prepend(scripts)
    for name in [name for name in sys.modules if name.partition(".")[0] == "stack"]:
        monkeypatch.delitem(sys.modules, name)  # those of the template, which the tests of the hooks import
    names = [path.stem for path in (scripts / "stack" / "deploy").glob("*.py") if path.stem != "__init__"]
    yield SimpleNamespace(**{name: importlib.import_module(f"stack.deploy.{name}") for name in names})
    for name in [name for name in sys.modules if name.partition(".")[0] == "stack"]:
        del sys.modules[name]


def modules(scripts: Path) -> dict[str, Path]:
    """The package's modules by their names."""
    paths = sorted((scripts / "stack" / "deploy").rglob("*.py"))
    return {".".join(path.relative_to(scripts).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imports(path: Path) -> set[str]:
    """The modules that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_proxy_names_are_in_their_modules_only(scripts: Path) -> None:
    named = [name for name, path in modules(scripts).items() if PROXY.search(path.read_text())]

    assert named == ["stack.deploy.proxies.h2o"]
    assert not PROXY.search((scripts / "redeploy.py").read_text())


def test_imports_are_acyclic_and_of_the_standard_library(scripts: Path) -> None:
    known = modules(scripts)
    graph = {name: imports(path) & set(known) - {name} for name, path in known.items()}
    others = {found.split(".")[0] for path in known.values() for found in imports(path)} - {"stack"}

    tuple(graphlib.TopologicalSorter(graph).static_order())
    assert others <= sys.stdlib_module_names
    assert not [found for path in known.values() for found in imports(path) if found.startswith("stack.check")]


def test_redeploy_works_without_the_package_check(scripts: Path, tmp_path: Path) -> None:
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / "deploy").symlink_to(scripts / "stack" / "deploy")
    for name in ("redeploy.py", *(f"stack/{path.name}" for path in (scripts / "stack").glob("*.py"))):
        (tmp_path / name).write_bytes((scripts / name).read_bytes())

    assert "{app,h2o}" in run(sys.executable, "-S", tmp_path / "redeploy.py", "--help").stdout


@pytest.mark.parametrize("arguments", [("nginx",), ("--timeout", "soon"), ("h2o", "--rollback")])
def test_wrong_arguments_are_a_usage_error(scripts: Path, arguments: tuple[str, ...]) -> None:
    done = run(sys.executable, scripts / "redeploy.py", *arguments, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("usage: redeploy.py")


def write(root: Path, files: dict[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize(
    "files",
    [
        {"src/shop/shop.csproj": WEB},
        {"src/shop/Shop.Web.csproj": WEB, "src/core/core.csproj": '<Project Sdk="Microsoft.NET.Sdk"></Project>'},
        {
            "src/shop/s.csproj": WEB,
            "src/b/b.csproj": WEB,
            "Dockerfile": "RUN true && dotnet publish src/shop -c Debug\n",
        },
        {"src/shop/s.csproj": WEB, "src/b/b.csproj": WEB, "Dockerfile": "RUN dotnet publish src/shop/s.csproj\n"},
    ],
)
def test_find_source_takes_the_web_project(deploy: SimpleNamespace, tmp_path: Path, files: dict[str, str]) -> None:
    write(tmp_path, files)

    assert deploy.published.find_source(tmp_path) == Path("src/shop")


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"src/core/core.csproj": ""}, "found: none"),
        (
            {"src/a/a.csproj": WEB, "src/b/b.csproj": WEB, "Dockerfile": "# dotnet publish src/a\n"},
            "found: src/a/a.csproj, src/b/b.csproj",
        ),
    ],
)
def test_find_source_names_what_it_found(
    deploy: SimpleNamespace, tmp_path: Path, files: dict[str, str], found: str
) -> None:
    write(tmp_path, files)

    with pytest.raises(deploy.session.RedeployError, match=found):
        deploy.published.find_source(tmp_path)


@pytest.mark.parametrize("test", [["CMD", "dotnet", "shop.dll", "health"], ["CMD", "./shop", "health"]])
def test_check_app_accepts_each_way_to_start_the_app(deploy: SimpleNamespace, test: list[str]) -> None:
    deploy.project.check_app({"healthcheck": {"test": test}})


@pytest.mark.parametrize(
    ("service", "problem"),
    [
        ({}, r"the health check of app is \[\]"),
        ({"healthcheck": {"test": ["CMD-SHELL", "./shop health"]}}, "CMD-SHELL"),
        ({"healthcheck": {"test": ["CMD", "health"]}}, r'is \["CMD", "health"\]'),
        ({"healthcheck": {"test": ["CMD", "./shop", "health"]}, "deploy": {"replicas": 2}}, "2 replicas"),
    ],
)
def test_check_app_names_the_actual_value(deploy: SimpleNamespace, service: dict[str, object], problem: str) -> None:
    with pytest.raises(deploy.session.RedeployError, match=problem):
        deploy.project.check_app(service)


class Recorder:
    """Answers for the programs that a session would run."""

    def __init__(self, session: ModuleType, out: str = "", code: int = 0) -> None:
        self.commands: list[tuple[str, ...]] = []
        self.session = session.Session(Path.cwd())
        self.session.run = self.run
        self.result = session.Result(code, out, "as planned")

    def run(self, *command: str, limit: float = 0) -> object:
        """Note a command; return the planned result."""
        self.commands.append(command)
        return self.result


@pytest.mark.parametrize(
    ("address", "remote"),
    [
        ("unix:///var/run/docker.sock", False),
        ("npipe:////./pipe/docker_engine", False),
        ("tcp://127.0.0.1:2375", False),
        ("tcp://localhost:2375", False),
        ("tcp://192.0.2.7:2376", True),
        ("ssh://deploy@server", True),
    ],
)
def test_engine_is_remote_by_its_address(deploy: SimpleNamespace, address: str, remote: bool) -> None:
    answers = Recorder(deploy.session, json.dumps([{"Endpoints": {"docker": {"Host": address}}}]))

    assert deploy.project.engine_is_remote(answers.session) is remote


@pytest.mark.parametrize("is_remote", [False, True])
@pytest.mark.parametrize("code", [0, 1])
def test_probe_asks_inside_the_container_what_is_out_of_reach(
    deploy: SimpleNamespace, capsys: pytest.CaptureFixture[str], is_remote: bool, code: int
) -> None:
    answers = Recorder(deploy.session, code=code)
    project = SimpleNamespace(session=answers.session, proxy=SimpleNamespace(title="The proxy"), is_remote=is_remote)
    ports = {"8443/udp": [{"HostIp": "", "HostPort": "1"}], "8080/tcp": [{"HostIp": "", "HostPort": str(free_port())}]}
    found = {"NetworkSettings": {"Ports": ports}}
    container = SimpleNamespace(id="c0ffee", found=found, health_check=["CMD", "wget", "healthz"])

    problems = [deploy.probe.probe_proxy(project, container) for _ in range(2)]

    reason = "the Docker engine is on another host" if is_remote else "no connection to 127.0.0.1"
    assert answers.commands == [("docker", "exec", "c0ffee", "wget", "healthz")] * 2
    assert [bool(problem) for problem in problems] == [code != 0] * 2
    assert [line.count(reason) for line in capsys.readouterr().out.splitlines()] == [1]


def test_session_program_is_ended_at_its_limit(deploy: SimpleNamespace, tmp_path: Path) -> None:
    session = deploy.session.Session(tmp_path)

    assert session.run(sys.executable, "-c", "import time; time.sleep(60)", limit=0.5).code < 0


def test_lock_is_held_by_a_program_that_outlives_its_run(
    deploy: SimpleNamespace, scripts: Path, tmp_path: Path
) -> None:
    script, fifo = tmp_path / "redeploy.py", tmp_path / "fifo"
    script.touch()
    os.mkfifo(fifo)
    code = f"""
from pathlib import Path
from stack.deploy.session import Session
session = Session(Path({str(tmp_path)!r}))
session.begin(Path({str(script)!r}))
session.run("sh", "-c", "kill -KILL $PPID; read line < fifo")
"""
    killed = run(sys.executable, "-c", code, env={"PYTHONPATH": str(scripts)}, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    with pytest.raises(deploy.session.RedeployError, match="another redeploy"):
        deploy.session.take_lock(script)

    fifo.write_text("go on\n")
    eventually(lambda: is_free(script, deploy), "the lock is free")


def is_free(script: Path, deploy: SimpleNamespace) -> bool:
    """Whether the lock can be taken."""
    try:
        deploy.session.take_lock(script).close()
    except deploy.session.RedeployError:
        return False
    return True
