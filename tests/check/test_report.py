"""How check.py says what it finds, and what it does where its tools are missing, old, broken or slow."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.check.corpus import Edit, Report, check
from tests.testkit.bake import copy_project, edit
from tests.testkit.process import run

SLOW = "sleep 60 & sleep 60"
NO_COMPOSE = 'case $1 in compose) echo "docker: unknown command: docker compose" >&2; exit 1;; esac; exit 1'

LIBRARY = r'<ItemGroup><ProjectReference Include="..\{0}\{0}.csproj" /></ItemGroup>'


@pytest.fixture
def project(edited: Callable[[Edit], Path]) -> Path:
    """A project to change."""
    return edited(Edit("nothing", {"edit": []}))


def with_docker(project: Path, script: str, *options: str) -> Report:
    """Check a project on a machine whose `docker` is this script."""
    docker = project.parent / "bin/docker"
    docker.parent.mkdir(exist_ok=True)
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    return check(project, "--json", *options, docker=True, PATH=f"{docker.parent}:/usr/bin:/bin")


def codes(report: Report, *levels: str) -> list[str]:
    return [one["code"] for one in report.of(*levels)]


def test_a_fresh_project_is_whole(project: Path) -> None:
    report = check(project, docker=False)
    assert report.code == 0
    *notes, last = report.text.splitlines()
    assert last == "This project is whole."
    assert [line.split("note: ")[0] for line in notes] == ["compose.yaml:1: "]
    assert not report.errors


def test_all_findings_come_at_once_and_sorted(project: Path) -> None:
    edit(project / "compose.yaml", "network_mode: none", "network_mode: host")
    edit(project / "h2o/h2o.conf", "listen: 8080", "listen: 8081")
    edit(project / ".env", "HTTP_PORT=18100", "HTTP_PORT=x")
    edit(project / "src/shop/appsettings.json", "/tmp/shop/kestrel.sock", "kestrel.sock")
    report = check(project, "--json", docker=False)
    assert {one["file"] for one in report.of("error")} == {".env", "compose.yaml", "src/shop/appsettings.json"}
    assert report.findings == sorted(report.findings, key=lambda one: (one["file"], one["line"]))
    assert all(list(one) == ["file", "line", "level", "code", "message", "remedy"] for one in report.findings)
    plain = check(project, docker=False)
    for one in report.of("error"):
        assert f"{one['file']}:{one['line']}: {one['message']}; {one['remedy']}" in plain.text.splitlines()
    assert plain.text.splitlines()[-1] == f"errors: {len(report.of('error'))}, warnings: 0"
    assert plain.code == report.code == 1


def test_an_accepted_finding_is_listed(project: Path) -> None:
    edit(project / "compose.yaml", "network_mode: none #", "network_mode: host # check: allow a trial until May #")
    report = check(project, docker=False)
    assert "note: app: `network_mode: host` puts it on the network of others (allowed: a trial until May" in report.text
    assert report.code == 0


def test_a_syntax_error_cannot_be_accepted(project: Path) -> None:
    edit(project / "h2o/h2o.conf", "num-threads: 2", "num-threads: 2\nnum-threads: 3 # check: allow me")
    assert codes(check(project, "--json", docker=False), "error") == ["duplicate-key"]


@pytest.mark.parametrize("options", [["--jsn"], ["compose.yaml"], ["--time-limit", "soon"]])
def test_wrong_usage(project: Path, options: list[str]) -> None:
    report = check(project, *options, docker=False)
    assert report.code == 2
    assert "usage:" in report.errors


def test_it_runs_from_anywhere(project: Path, tmp_path: Path) -> None:
    for cwd in (Path("/"), project, project / "src"):
        assert check(project, docker=False, cwd=cwd).code == 0
    link = tmp_path / "link"
    link.symlink_to(project)
    assert check(link, docker=False).code == 0


def test_a_folder_with_spaces(shop: Path, tmp_path: Path) -> None:
    assert check(copy_project(shop, tmp_path / "my shop (1)"), docker=False).code == 0


def test_without_pyyaml(project: Path) -> None:
    (project / "scripts/yaml.py").write_text("raise ModuleNotFoundError(name='yaml')\n")
    report = check(project, docker=False)
    assert report.code == 2
    assert "uv run scripts/check.py" in report.errors
    assert "pip install pyyaml" in report.errors
    assert len(report.errors.splitlines()) == 1


def test_docker_hangs(project: Path) -> None:
    begin = time.monotonic()
    report = with_docker(project, SLOW, "--time-limit", "1")
    assert time.monotonic() - begin < 10
    assert report.code == 0
    assert any("did not end within 1 s" in one["message"] for one in report.findings)
    left = run("ps", "-eo", "args").stdout
    assert str(project.parent / "bin/docker") not in left


def test_only_its_configuration_hangs(project: Path) -> None:
    script = f'case "$*" in *--short) echo 2.26.1;; *" config "*) {SLOW};; esac'
    report = with_docker(project, script, "--time-limit", "1")
    assert codes(report, "warning") == ["tool"], report.findings
    assert report.code == 0


@pytest.mark.parametrize("said", ["echo no json", "echo '[]'", "echo null", 'echo "{"', "true", "printf '\\377'"])
def test_docker_answers_nonsense(project: Path, said: str) -> None:
    report = with_docker(project, said)
    assert report.code in (0, 1)
    assert "check-failed" not in codes(report, "warning")


def test_docker_has_no_compose(project: Path) -> None:
    edit(project / "compose.yaml", "network_mode: none", "network_mode: host")
    report = with_docker(project, NO_COMPOSE)
    assert "unknown command: docker compose" in report.of("info")[0]["message"]
    assert codes(report, "error") == ["network-mode"]


def test_the_engine_does_not_answer(project: Path) -> None:
    docker = run("which", "docker", check=False).stdout.strip()
    if not docker:
        pytest.skip("needs the docker command")
    report = check(project, "--json", docker=True, DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert report.code == 0
    assert codes(report, "error", "warning") == []
    assert any("the Docker engine does not answer" in one["message"] for one in report.findings)


@pytest.mark.parametrize(
    ("engine", "compose", "expected"),
    [
        ("24.0.9", "2.24.0", ["version"]),
        ("25.0.0", "v2.23.3", ["version"]),
        ("25.0.0", "2.24.0", []),
        ("28.1", "5.0", []),
    ],
)
def test_versions(project: Path, engine: str, compose: str, expected: list[str]) -> None:
    server = f"Client:\\n Version: 27.0.0\\n\\nServer: Docker Engine\\n Engine:\\n  Version:          {engine}\\n"
    report = with_docker(project, f'case "$*" in version) printf "{server}";; *--short) echo {compose};; esac')
    assert [code for code in codes(report, "error") if code == "version"] == expected


def test_h2o_hangs(project: Path) -> None:
    model = json.dumps({"name": "shop", "services": {"app": {}, "h2o": {"build": {"context": "h2o"}}}})
    (project / "model.json").write_text(model)
    script = f'case "$*" in *--short) echo 2.26.1;; *" config "*) cat model.json;; run*) {SLOW};; esac'
    report = with_docker(project, script, "--time-limit", "1")
    assert "`h2o -t` did not end within 1 s" in [one["message"] for one in report.of("warning")]


def test_ctrl_c_is_quiet(project: Path) -> None:
    docker = project.parent / "bin/docker"
    docker.parent.mkdir()
    docker.write_text(f"#!/bin/sh\n{SLOW}\n")
    docker.chmod(0o755)
    environment = {**os.environ, "PATH": f"{docker.parent}:/usr/bin:/bin"}
    command = [sys.executable, str(project / "scripts/check.py")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, b"", b"")
    assert str(docker) not in run("ps", "-eo", "args").stdout


def test_a_reader_that_leaves(project: Path) -> None:
    (project / "compose.yaml").unlink()
    command = f"{sys.executable} {project}/scripts/check.py | true"
    done = run("bash", "-c", command, env={"PATH": "/usr/bin:/bin"})
    assert not done.stderr


@pytest.mark.parametrize("changed", ["src/shop/Program.cs", "src/Prices/Price.cs"])
def test_edits_that_are_not_published_yet(project: Path, changed: str) -> None:
    edit(project / "src/shop/shop.csproj", "</Project>", LIBRARY.format("Prices") + "</Project>")
    for folder, uses in (("Prices", "shop"), ("Unused", "Prices")):
        (project / "src" / folder).mkdir()
        (project / "src" / folder / f"{folder}.csproj").write_text(f"<Project>{LIBRARY.format(uses)}</Project>")
    for published in (project / "publish", *(project / "publish").iterdir()):
        os.utime(published)
    later = time.time() + 60
    for file in (changed, "src/Unused/Unused.csproj"):
        (project / file).touch()
        os.utime(project / file, (later, later))
    stack = json.dumps(
        {
            "services": {
                "app": {"volumes": [{"type": "bind", "source": str(project / "publish"), "target": "/app"}]},
                "h2o": {},
            }
        }
    )
    (project / "model.json").write_text(stack)
    report = with_docker(project, 'case "$*" in *--short) echo 2.26.1;; *" config "*) cat model.json;; esac')
    stale = [one for one in report.findings if one["code"] == "stale"]
    assert [(one["level"], one["file"]) for one in stale] == [("warning", changed)]
    assert "scripts/redeploy.py" in stale[0]["remedy"]


@pytest.mark.engine
@pytest.mark.usefixtures("h2o_image")
@pytest.mark.parametrize("folder", ["shop", """a: folder's "name", with all"""])
def test_a_fresh_project_is_whole_for_docker_too(project: Path, folder: str) -> None:
    project = project.rename(project.parent / folder)
    assert check(project, docker=True).text == "This project is whole.\n"
    (project / "compose.override.yaml").unlink()
    assert check(project, docker=True).text == "This project is whole.\n"


@pytest.mark.engine
@pytest.mark.usefixtures("h2o_image")
def test_an_image_that_is_older_than_its_source(project: Path) -> None:
    later = time.time() + 60
    os.utime(project / "h2o/Dockerfile", (later, later))
    report = check(project, "--json", docker=True)
    assert [(one["code"], one["file"]) for one in report.of("warning")] == [("stale", "h2o/Dockerfile")]


@pytest.mark.engine
def test_a_volume_that_exists_with_other_options(project: Path) -> None:
    run("docker", "volume", "create", "check-volume_socket")
    try:
        report = check(project, "--json", docker=True, COMPOSE_PROJECT_NAME="check-volume")
    finally:
        run("docker", "volume", "rm", "check-volume_socket")
    assert codes(report, "error") == ["old-volume"]
    assert "docker compose down --volumes" in report.of("error")[0]["remedy"]


def test_it_knows_how_long_the_name_of_an_instance_is(shop: Path) -> None:
    lifecycle = (shop / "src/shop/SocketLifecycle.cs").read_text()
    assert "IdLength = 8;" in lifecycle
    assert 'INSTANCE_SUFFIX = len(".1a2b3c4d")' in (shop / "scripts/stack/check/shared.py").read_text()
