"""The app's first image, with an engine that works, is missing, slow or broken. tests/engine has the real one."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.testkit.bake import REPO
from tests.testkit.process import eventually
from tests.unit.generate.dotnet_stub import SDK, WORKING
from tests.unit.generate.test_publish_processes import is_running
from uds_stack.process import Program

# A `docker` that answers what the hook asks; a test replaces one of the functions.
FUNCTIONS = """
version() { echo "linux $(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')"; }
config() { echo '{"name": "myapp", "services": {"app": {"build": {}}}}'; }
containers() { :; }
base() { echo sha256:0; }
pull() { exit 9; }
own() { echo sha256:1; }
build() { :; }
"""
ANSWERS = """
case "$*" in
    "version --format"*) version ;;
    "compose --file compose.yaml --file - config"*) config ;;
    "compose --file compose.yaml --file - build --quiet app") cat >"${0%/*}/given"; build ;;
    "ps --all --filter=label=com.docker.compose.project=myapp"*) containers ;;
    "pull --quiet mcr."*) pull ;;
    "image inspect"*mcr.*) base ;;
    "image inspect"*myapp-app) own ;;
esac
"""


@pytest.fixture
def published(dotnet: Callable[..., None]) -> None:
    """A `dotnet` that publishes the app."""
    dotnet(WORKING, SDK)


@pytest.mark.usefixtures("published")
def test_first_image_is_built_by_compose_from_publish(
    docker: Callable[..., None], bake: Callable[..., str], bin_dir: Path
) -> None:
    docker(FUNCTIONS, ANSWERS)

    printed = bake()

    assert "Built the image myapp-app from ./publish in " in printed
    assert "replaces" not in printed
    assert "    docker compose up                  the page: http://localhost:8080\n" in printed
    given = (bin_dir / "given").read_text()
    assert '"context": "publish"' in given
    assert "FROM mcr.microsoft.com/dotnet/aspnet:10.0" in given
    assert "Pulling" not in printed


@pytest.mark.usefixtures("published")
def test_first_image_says_what_it_replaces(docker: Callable[..., None], bake: Callable[..., str]) -> None:
    docker(
        FUNCTIONS,
        'own() { if [ -e "${0%/*}/given" ]; then echo sha256:2; else echo sha256:0123456789abcdef; fi; }',
        ANSWERS,
    )

    assert "It replaces an older one of that name, 0123456789ab.\n" in bake()


@pytest.mark.usefixtures("published")
def test_first_image_pulls_a_base_image_that_is_missing(docker: Callable[..., None], bake: Callable[..., str]) -> None:
    docker(FUNCTIONS, "base() { exit 1; }", "pull() { :; }", ANSWERS)

    printed = bake()

    assert "Pulling mcr.microsoft.com/dotnet/aspnet:10.0 (at most 180 s)\n" in printed
    assert "Built the image myapp-app" in printed


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("version() { echo; exit 1; }", "the Docker engine does not answer."),
        ("version() { exec sleep 300; }", "`docker version` was ended because it took longer than 2 s."),
        ("version() { echo windows amd64; }", "and the Docker engine runs windows amd64."),
        ("config() { echo 'unknown flag' >&2; exit 1; }", "`docker compose` failed with exit code 1: unknown flag."),
        ("config() { echo; }", "`docker compose config` printed no model of this project."),
        (
            "base() { exit 1; }; pull() { echo 'lookup mcr.microsoft.com: no such host' >&2; exit 1; }",
            "`docker pull` failed with exit code 1: lookup mcr.microsoft.com: no such host.",
        ),
        ("build() { echo 'error: no space left' >&2; exit 17; }", "failed with exit code 17: error: no space left."),
        ("build() { exec sleep 300; }", "`docker compose` was ended because it took longer than 2 s."),
        ("containers() { echo /srv/myapp; }", "the containers of /srv/myapp have the Compose name myapp too"),
    ],
    ids=["engine", "slow", "windows", "compose", "junk", "pull", "disk", "hanging", "other-folder"],
)
def test_project_without_a_first_image_is_complete_and_says_why(
    fault: str, said: str, docker: Callable[..., None], bake: Callable[..., str], output_dir: Path
) -> None:
    docker(FUNCTIONS, fault, ANSWERS)

    printed = bake(UDS_STACK_PUBLISH_SECONDS="2")

    [line] = [line for line in printed.splitlines() if line.startswith("No first image: ")]
    assert said in line
    assert line.endswith("The first `docker compose up --build` builds the app from source.")
    assert "    docker compose up --build          the page: http://localhost:8080\n" in printed
    assert "Traceback" not in printed
    assert (output_dir / "myapp/publish/myapp.dll").is_file()


def test_first_image_is_left_out_where_nothing_was_published(
    docker: Callable[..., None], bake: Callable[..., str], bin_dir: Path
) -> None:
    docker(FUNCTIONS, ANSWERS)

    printed = bake(UDS_STACK_PUBLISH_SECONDS="0")

    assert "No first image" not in printed
    assert "Built the image" not in printed
    assert not (bin_dir / "given").exists()


@pytest.mark.usefixtures("published")
def test_ctrl_c_ends_the_build_and_leaves_a_complete_project(
    docker: Callable[..., None], bin_dir: Path, output_dir: Path, tmp_path: Path
) -> None:
    docker(FUNCTIONS, 'build() { echo $$ >"${0%/*}/pid"; exec sleep 300; }', ANSWERS)
    config = tmp_path / "config.yaml"
    config.write_text(f"replay_dir: {tmp_path / 'replay'}\n")
    options = ["--no-input", "--config-file", str(config), "--output-dir", str(output_dir)]
    with subprocess.Popen(
        [sys.executable, "-m", "cookiecutter", *options, str(REPO)],
        env={**os.environ, "PATH": str(bin_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        eventually((bin_dir / "pid").exists, "the build starts")
        os.killpg(process.pid, signal.SIGINT)
        printed, _ = process.communicate(timeout=30)

    assert process.returncode != 0
    assert "no first image: interrupted" in printed
    assert "template's own hook" not in printed
    assert (output_dir / "myapp/publish/myapp.dll").is_file()
    assert not is_running(bin_dir / "pid")


def test_program_reads_what_it_is_given(tmp_path: Path) -> None:
    program = Program([sys.executable, "-c", "print(input(), input())"], tmp_path, given="one\ntwo\n")

    assert program.wait(10)
    assert program.result().out == "one two\n"


def test_program_that_reads_nothing_of_what_it_is_given_is_no_error(tmp_path: Path) -> None:
    program = Program(["true"], tmp_path, given="one\n" * 1000)

    assert program.wait(10)
    assert program.result().problem == ""
