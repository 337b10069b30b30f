"""What the check asks of Docker, and what it does where that is missing, old, broken or slow."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.testkit.bake import edit
from tests.testkit.command import UDS_STACK
from tests.testkit.process import cannot_run, eventually, run
from tests.unit.check.corpus import check, codes
from tests.unit.check.docker_stub import with_docker

SLOW = "sleep 60 & sleep 60"
NO_COMPOSE = 'case $1 in compose) echo "docker: unknown command: docker compose" >&2; exit 1;; esac; exit 1'
# A case of its own may follow.
MODEL = 'case "$*" in version) echo Server:;; *--short) echo 2.26.1;; *" config "*) cat model.json;; '


def test_docker_that_hangs(project: Path) -> None:
    begin = time.monotonic()
    report = with_docker(project, SLOW, "--time-limit", "1")
    assert time.monotonic() - begin < 10
    assert report.code == 0
    assert any("did not end within 1 s" in one["message"] for one in report.findings)
    left = run("ps", "-eo", "args").stdout
    assert str(project.parent / "bin/docker") not in left


def test_compose_config_that_hangs(project: Path) -> None:
    script = f'case "$*" in *--short) echo 2.26.1;; *" config "*) {SLOW};; esac'
    report = with_docker(project, script, "--time-limit", "1")
    assert codes(report, "warning") == ["not-checked"], report.findings
    assert report.code == 0


@pytest.mark.parametrize("said", ["echo no json", "echo '[]'", "echo null", 'echo "{"', "true", "printf '\\377'"])
def test_docker_that_prints_nonsense(project: Path, said: str) -> None:
    report = with_docker(project, said)
    assert report.code in (0, 1)
    assert "check-failed" not in codes(report, "warning")


def test_docker_without_compose(project: Path) -> None:
    edit(project / "compose.yaml", "network_mode: none", "network_mode: host")
    report = with_docker(project, NO_COMPOSE)
    assert "unknown command: docker compose" in report.of("info")[0]["message"]
    assert codes(report, "info") == ["not-checked"]
    assert codes(report, "error") == ["network-mode"]


def test_engine_that_does_not_answer(project: Path) -> None:
    docker = run("which", "docker", check=False).stdout.strip()
    if not docker:
        cannot_run("needs the docker command")
    report = check(project, "--json", docker=True, DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert report.code == 0
    assert codes(report, "error", "warning") == []
    assert codes(report, "info") == ["not-checked"]


@pytest.fixture
def resolved(project: Path) -> Path:
    """A project of which `docker compose config` prints model.json."""
    services = {"app": {}, "h2o": {"build": {"context": "h2o"}}}
    (project / "model.json").write_text(json.dumps({"name": "shop", "services": services}))
    return project


def test_validator_that_hangs(resolved: Path) -> None:
    begin = f'{MODEL} run*) {SLOW};; "rm --force"*) touch removed;; esac'
    report = with_docker(resolved, begin, "--time-limit", "1")
    found = [(one["code"], one["message"]) for one in report.of("warning")]
    assert ("not-checked", "`h2o -t` did not end within 1 s") in found
    assert (resolved / "removed").exists()


def test_validator_that_is_missing(resolved: Path) -> None:
    report = with_docker(resolved, f"{MODEL} run*) echo 'exec: h2o: not found' >&2; exit 127;; esac")
    assert [one["message"] for one in report.of("info")] == ["`h2o -t` did not run in its image: exec: h2o: not found"]


def test_image_that_is_not_built_yet(resolved: Path) -> None:
    report = with_docker(resolved, f"{MODEL} run*) echo 'docker: No such image: shop-h2o.' >&2; exit 125;; esac")
    assert not {"not-checked", "proxy-rejects"} & set(codes(report, "info", "error"))


def test_ctrl_c_is_quiet(project: Path) -> None:
    docker = project.parent / "bin/docker"
    docker.parent.mkdir()
    docker.write_text(f"#!/bin/sh\n{SLOW}\n")
    docker.chmod(0o755)
    environment = {**os.environ, "PATH": f"{docker.parent}:/usr/bin:/bin"}
    command = [*UDS_STACK, "check", str(project)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    status = Path(f"/proc/{process.pid}/status")
    # Two threads read what each of the three queries prints.
    eventually(lambda: "\nThreads:\t7\n" in status.read_text(), "all queries to Docker")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, b"", b"")
    assert str(docker) not in run("ps", "-eo", "args").stdout


@pytest.mark.engine
@pytest.mark.usefixtures("h2o_image")
@pytest.mark.parametrize("folder", ["shop", """a: folder's "name", with all"""])
def test_fresh_project_has_no_problems_with_docker(project: Path, folder: str) -> None:
    project = project.rename(project.parent / folder)
    assert check(project, docker=True).text == "No problems found.\n"


@pytest.mark.engine
def test_existing_volume_with_other_options(project: Path) -> None:
    run("docker", "volume", "create", "check-volume_socket")
    try:
        report = check(project, "--json", docker=True, COMPOSE_PROJECT_NAME="check-volume")
    finally:
        run("docker", "volume", "rm", "check-volume_socket")
    assert codes(report, "error") == ["volume-stale"]
    assert "docker volume rm check-volume_socket" in report.of("error")[0]["remedy"]
