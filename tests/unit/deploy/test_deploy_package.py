"""The package uds_stack.deploy: what it needs, and its decisions that need no engine."""

import errno
import importlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.testkit.bake import REPO
from tests.testkit.command import UDS_STACK
from tests.testkit.process import eventually, run
from tests.testkit.stack import free_port


@pytest.fixture
def deploy() -> SimpleNamespace:
    """The modules of the package."""
    names = [path.stem for path in (REPO / "uds_stack/deploy").glob("*.py") if not path.stem.startswith("__")]
    return SimpleNamespace(**{name: importlib.import_module(f"uds_stack.deploy.{name}") for name in names})


def test_deploy_works_with_the_standard_library_alone(tmp_path: Path) -> None:
    shutil.copytree(REPO / "uds_stack", tmp_path / "uds_stack", ignore=shutil.ignore_patterns("check", "generate"))

    done = run(sys.executable, "-S", "-m", "uds_stack.deploy", "--help", cwd=tmp_path)

    assert "{deploy,rollback,reload}" in done.stdout.replace("COMMAND", "{deploy,rollback,reload}")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nginx",),
        ("deploy", "--timeout", "soon"),
        ("deploy", "--timeout", "nan"),
        ("check", "--time-limit", "-1"),
        ("reload", "--rollback"),
    ],
)
def test_wrong_arguments_are_a_usage_error(arguments: tuple[str, ...]) -> None:
    done = run(*UDS_STACK, *arguments, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("usage: uds-stack")


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
    with pytest.raises(deploy.session.DeployError, match=problem):
        deploy.project.check_app(service)


@pytest.mark.parametrize(("service", "image"), [({"build": "."}, "shop-app"), ({"build": ".", "image": "a:1"}, "a:1")])
def test_app_image_is_the_one_that_compose_builds(
    deploy: SimpleNamespace, service: dict[str, object], image: str
) -> None:
    assert deploy.project.app_image(service, "shop") == image


def test_app_image_refuses_a_service_that_builds_none(deploy: SimpleNamespace) -> None:
    with pytest.raises(deploy.session.DeployError, match="app has no `build`"):
        deploy.project.app_image({"image": "a:1"}, "shop")


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("shop-app", ("shop-app", "latest")),
        ("localhost:5000/shop", ("localhost:5000/shop", "latest")),
        ("docker.io/me/shop:1", ("me/shop", "1")),
        ("docker.io/library/shop:1", ("shop", "1")),
    ],
)
def test_repository_is_named_as_the_engine_finds_it(
    deploy: SimpleNamespace, image: str, parts: tuple[str, str]
) -> None:
    assert deploy.images.split_name(image) == parts


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


def test_lock_is_held_by_a_program_that_outlives_its_run(deploy: SimpleNamespace, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code = f"""
import sys
sys.path.insert(0, {str(REPO)!r})
from pathlib import Path
from uds_stack.deploy.session import Session
session = Session(Path({str(tmp_path)!r}))
session.begin()
session.run("sh", "-c", "kill -KILL $PPID; read line < fifo")
"""
    killed = run(sys.executable, "-c", code, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    with pytest.raises(deploy.session.DeployError, match="another uds-stack"):
        deploy.session.take_lock(tmp_path)

    fifo.write_text("go on\n")
    eventually(lambda: is_free(tmp_path, deploy), "the lock is free")


def test_folder_that_cannot_be_locked_is_not_another_run(
    deploy: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_arguments: int) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")  # what NFS says of a folder

    monkeypatch.setattr(deploy.session.fcntl, "flock", flock)

    with pytest.raises(deploy.session.DeployError, match=r"cannot lock .* \(Bad file descriptor\): move the project"):
        deploy.session.take_lock(tmp_path)


def is_free(folder: Path, deploy: SimpleNamespace) -> bool:
    """Whether the lock can be taken."""
    try:
        os.close(deploy.session.take_lock(folder))
    except deploy.session.DeployError:
        return False
    return True
