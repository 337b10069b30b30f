"""How check.py reports, and what it does where its tools are missing, old, broken or slow."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.check.corpus import Report, check
from tests.testkit.bake import copy_project, edit
from tests.testkit.process import eventually, run

SLOW = "sleep 60 & sleep 60"
NO_COMPOSE = 'case $1 in compose) echo "docker: unknown command: docker compose" >&2; exit 1;; esac; exit 1'
MODEL = 'case "$*" in *--short) echo 2.26.1;; *" config "*) cat model.json;; '  # a case of its own may follow

LIBRARY = r'<ItemGroup><ProjectReference Include="..\{0}\{0}.csproj" /></ItemGroup>'


def with_docker(project: Path, script: str, *options: str) -> Report:
    """Check a project on a machine whose `docker` is this script."""
    docker = project.parent / "bin/docker"
    docker.parent.mkdir(exist_ok=True)
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    return check(project, "--json", *options, docker=True, PATH=f"{docker.parent}:/usr/bin:/bin")


def codes(report: Report, *levels: str) -> list[str]:
    return [one["code"] for one in report.of(*levels)]


def test_fresh_project_has_no_problems(project: Path) -> None:
    report = check(project, docker=False)
    assert report.code == 0
    *notes, last = report.text.splitlines()
    assert last == "No problems found."
    assert [line.split("note: ")[0] for line in notes] == ["compose.yaml:1: "]
    assert not report.errors


def test_findings_are_reported_at_once_and_sorted(project: Path) -> None:
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


def test_suppressed_finding_is_a_note_with_the_reason(project: Path) -> None:
    comment = "# check: allow[network-mode] a trial until May"
    edit(project / "compose.yaml", "network_mode: none #", f"network_mode: host {comment} #")
    report = check(project, docker=False)
    note = "note: app: `network_mode: host` joins the network of others (allowed: a trial until May"
    assert note in report.text
    assert report.code == 0


def test_suppression_silences_its_code_alone(project: Path) -> None:
    both = "volumes: [/etc:/etc:ro] # check: allow[cap-add, host-path] a trial"
    edit(project / "compose.yaml", "  h2o:\n", "  h2o:\n    cap_add: [NET_ADMIN] # check: allow[privileged] a trial\n")
    edit(project / "compose.yaml", "services:\n", f"services:\n  other:\n    image: other\n    {both}\n")
    report = check(project, "--json", docker=False)
    assert codes(report, "error") == ["cap-add"]
    assert codes(report, "warning") == ["other-host-path"]


def test_suppression_without_a_code_is_told_the_code(project: Path) -> None:
    edit(project / "compose.yaml", "network_mode: none #", "network_mode: host # check: allow a trial until May #")
    report = check(project, docker=False)
    warning = "warning: the suppression names no code; write # check: allow[network-mode] reason"
    assert warning in report.text
    assert report.code == 1


def test_duplicate_key_cannot_be_suppressed(project: Path) -> None:
    twice = "num-threads: 2\nnum-threads: 3 # check: allow[duplicate-key] me"
    edit(project / "h2o/h2o.conf", "num-threads: 2", twice)
    assert codes(check(project, "--json", docker=False), "error") == ["duplicate-key"]


def test_list_names_each_code_once(project: Path) -> None:
    report = check(project, "--list", docker=False)
    rows = [line.split(maxsplit=2) for line in report.text.splitlines()]
    assert report.code == 0
    assert len({row[0] for row in rows}) == len(rows)
    assert {row[1] for row in rows} == {"error", "warning", "info"}
    assert all(row[2] for row in rows)
    assert [row[0] for row in rows if row[0] == "preserve-host"]


def test_service_is_named_after_a_module_of_the_proxies(project: Path) -> None:
    edit(project / "compose.yaml", "  h2o:\n", "  web:\n")
    report = check(project, "--json", docker=False)
    assert [(one["code"], one["remedy"]) for one in report.of("error")] == [("service", "name the service h2o")]


def test_rule_that_fails(project: Path) -> None:
    edit(project / "scripts/stack/check/rules/proxy.py", "not upstream.preserves_host", "1 / 0")
    report = check(project, "--json", docker=False)
    assert codes(report, "warning") == ["check-failed"]
    assert "the rule preserve-host failed: ZeroDivisionError" in report.of("warning")[0]["message"]
    assert report.code == 0


def test_proxy_without_a_module(project: Path) -> None:
    (project / "scripts/stack/check/proxies/h2o.py").unlink()
    report = check(project, docker=False)
    assert report.code == 2
    assert "has no module for a proxy" in report.errors


@pytest.mark.parametrize("options", [["--jsn"], ["compose.yaml"], ["--time-limit", "soon"]])
def test_usage_error(project: Path, options: list[str]) -> None:
    report = check(project, *options, docker=False)
    assert report.code == 2
    assert "usage:" in report.errors


def test_any_working_directory(project: Path, tmp_path: Path) -> None:
    for cwd in (Path("/"), project, project / "src"):
        assert check(project, docker=False, cwd=cwd).code == 0
    link = tmp_path / "link"
    link.symlink_to(project)
    assert check(link, docker=False).code == 0


def test_folder_with_spaces(shop: Path, tmp_path: Path) -> None:
    assert check(copy_project(shop, tmp_path / "my shop (1)"), docker=False).code == 0


def test_missing_pyyaml(project: Path) -> None:
    (project / "scripts/yaml.py").write_text("raise ModuleNotFoundError(name='yaml')\n")
    report = check(project, docker=False)
    assert report.code == 2
    assert "uv run scripts/check.py" in report.errors
    assert "pip install pyyaml" in report.errors
    assert len(report.errors.splitlines()) == 1


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
    assert codes(report, "warning") == ["compose-failed"], report.findings
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
    assert codes(report, "info") == ["no-compose"]
    assert codes(report, "error") == ["network-mode"]


def test_engine_that_does_not_answer(project: Path) -> None:
    docker = run("which", "docker", check=False).stdout.strip()
    if not docker:
        pytest.skip("needs the docker command")
    report = check(project, "--json", docker=True, DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert report.code == 0
    assert codes(report, "error", "warning") == []
    assert codes(report, "info") == ["no-engine"]


@pytest.mark.parametrize(
    ("engine", "compose", "expected"),
    [
        ("24.0.9", "2.24.0", ["docker-version"]),
        ("25.0.0", "v2.23.3", ["docker-version"]),
        ("25.0.0", "2.24.0", []),
        ("28.1", "5.0", []),
    ],
)
def test_versions_of_docker(project: Path, engine: str, compose: str, expected: list[str]) -> None:
    server = f"Client:\\n Version: 27.0.0\\n\\nServer: Docker Engine\\n Engine:\\n  Version:          {engine}\\n"
    report = with_docker(project, f'case "$*" in version) printf "{server}";; *--short) echo {compose};; esac')
    assert [code for code in codes(report, "error") if code == "docker-version"] == expected


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
    assert ("proxy-test-failed", "`h2o -t` did not end within 1 s") in found
    assert (resolved / "removed").exists()


def test_validator_that_is_missing(resolved: Path) -> None:
    report = with_docker(resolved, f"{MODEL} run*) echo 'exec: h2o: not found' >&2; exit 127;; esac")
    assert "proxy-not-tested" in codes(report, "info")


def test_image_that_is_not_built_yet(resolved: Path) -> None:
    report = with_docker(resolved, f"{MODEL} run*) echo 'docker: No such image: shop-h2o.' >&2; exit 125;; esac")
    assert not {"proxy-not-tested", "proxy-rejects"} & set(codes(report, "info", "error"))


def test_ctrl_c_is_quiet(project: Path) -> None:
    docker = project.parent / "bin/docker"
    docker.parent.mkdir()
    docker.write_text(f"#!/bin/sh\n{SLOW}\n")
    docker.chmod(0o755)
    environment = {**os.environ, "PATH": f"{docker.parent}:/usr/bin:/bin"}
    command = [sys.executable, str(project / "scripts/check.py")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    status = Path(f"/proc/{process.pid}/status")
    # Two threads read what each of the four questions prints.
    eventually(lambda: "\nThreads:\t9\n" in status.read_text(), "all questions to Docker")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, b"", b"")
    assert str(docker) not in run("ps", "-eo", "args").stdout


def test_closed_stdout_is_not_an_error(project: Path) -> None:
    (project / "compose.yaml").unlink()
    command = f"{sys.executable} {project}/scripts/check.py | true"
    done = run("bash", "-c", command, env={"PATH": "/usr/bin:/bin"})
    assert not done.stderr


@pytest.mark.parametrize("changed", ["src/shop/Program.cs", "src/Prices/Price.cs"])
def test_sources_newer_than_publish(project: Path, changed: str) -> None:
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
    stale = [one for one in report.findings if one["code"] == "publish-stale"]
    assert [(one["level"], one["file"]) for one in stale] == [("warning", changed)]
    assert "scripts/redeploy.py" in stale[0]["remedy"]


@pytest.mark.engine
@pytest.mark.usefixtures("h2o_image")
@pytest.mark.parametrize("folder", ["shop", """a: folder's "name", with all"""])
def test_fresh_project_has_no_problems_with_docker(project: Path, folder: str) -> None:
    project = project.rename(project.parent / folder)
    assert check(project, docker=True).text == "No problems found.\n"
    (project / "compose.override.yaml").unlink()
    assert check(project, docker=True).text == "No problems found.\n"


@pytest.mark.engine
@pytest.mark.usefixtures("h2o_image")
def test_sources_newer_than_image(project: Path) -> None:
    later = time.time() + 60
    os.utime(project / "h2o/Dockerfile", (later, later))
    report = check(project, "--json", docker=True)
    assert [(one["code"], one["file"]) for one in report.of("warning")] == [("image-stale", "h2o/Dockerfile")]


@pytest.mark.engine
def test_existing_volume_with_other_options(project: Path) -> None:
    run("docker", "volume", "create", "check-volume_socket")
    try:
        report = check(project, "--json", docker=True, COMPOSE_PROJECT_NAME="check-volume")
    finally:
        run("docker", "volume", "rm", "check-volume_socket")
    assert codes(report, "error") == ["volume-stale"]
    assert "docker compose down --volumes" in report.of("error")[0]["remedy"]


def test_instance_suffix_is_as_long_as_in_the_app(shop: Path) -> None:
    sources = "".join(file.read_text() for file in shop.glob("src/shop/**/*.cs"))
    length = re.search(r"int IdLength = (\d+);", sources)
    assert length, "no source sets the length of an instance's id"
    command = "from stack.socket_path import INSTANCE_SUFFIX_BYTES; print(INSTANCE_SUFFIX_BYTES)"
    assert int(run("python3", "-c", command, cwd=shop / "scripts").stdout) == len(".") + int(length[1])


def test_report_within_another_process_and_thread(project: Path, tmp_path: Path) -> None:
    edit(project / "h2o/h2o.conf", "proxy.preserve-host: ON", "proxy.preserve-host: OFF")
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, threading\n"
        "from pathlib import Path\n"
        "sys.path.insert(0, str(Path(sys.argv[1], 'scripts')))\n"
        "from stack.check import cli\n"
        "def check():\n"
        "    found = cli.report(Path(sys.argv[1]))\n"
        "    print(cli.failed(found), *cli.lines(found), sep='\\n')\n"
        "thread = threading.Thread(target=check)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    done = run(sys.executable, "-B", program, project, cwd=tmp_path, env={"PATH": str(project)})
    assert done.stdout.splitlines()[0] == "True"
    assert "the Host header of the request is not forwarded; write proxy.preserve-host: ON here" in done.stdout
    assert not list(project.rglob("__pycache__"))
