"""The command uds-stack: where it looks for a project, and one line for each fault, never a traceback."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.testkit.bake import REPO
from tests.testkit.command import UDS_STACK
from tests.testkit.process import cannot_run, run
from uds_stack import __version__
from uds_stack.cli import main
from uds_stack.deploy.project import engine_fault
from uds_stack.project_folder import NoProjectError, find_project, version_fault

NOBODY = 65534


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that passes for a project."""
    folder = tmp_path / "project"
    (folder / "src/deep").mkdir(parents=True)
    (folder / "compose.yaml").write_text("services: {}\n")
    return folder


def failed(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """Run a command that cannot run; return its one line."""
    assert main([str(word) for word in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1, err
    return err


def test_version_is_the_templates() -> None:
    questions = json.loads((REPO / "cookiecutter.json").read_text())

    assert run(*UDS_STACK, "--version").stdout == f"uds-stack {__version__}\n"
    assert questions["__version"] == __version__


def test_module_is_the_command(tmp_path: Path) -> None:
    done = run(sys.executable, "-m", "uds_stack", "--version", cwd=tmp_path, env={"PYTHONPATH": str(REPO)})

    assert done.stdout == f"uds-stack {__version__}\n"


@pytest.mark.parametrize("place", [".", "src/deep"])
def test_project_is_found_in_the_folders_above(place: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / place)

    assert find_project(None) == project
    with pytest.raises(NoProjectError):
        find_project(project / "src/deep")  # a named folder is meant


@pytest.mark.parametrize("arguments", [("--project", "DIR", "check"), ("check", "--project", "DIR"), ("check", "DIR")])
def test_project_may_be_named_before_and_after_the_command(
    arguments: tuple[str, ...], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(project) if word == "DIR" else word for word in arguments])

    assert "compose.yaml" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["check", "deploy", "reload", "rollback"])
def test_outside_of_a_project_one_line_says_where_it_looked(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    marks = "(.uds-stack.json or compose.yaml): name its folder with --project DIR"

    assert failed(capsys, command) == f"uds-stack: no project in {tmp_path} and the folders above it {marks}\n"
    assert failed(capsys, command, "--project", ".") == f"uds-stack: no project in {tmp_path} {marks}\n"
    missing = failed(capsys, command, "--project", "nowhere")
    assert missing == f"uds-stack: {tmp_path}/nowhere does not exist: name the project's folder with --project DIR\n"


def test_file_is_no_project(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "compose.yaml is a file: name the project's folder" in failed(capsys, "check", project / "compose.yaml")


def test_removed_folder_is_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert failed(capsys, "check").startswith("uds-stack: no folder ")


@pytest.mark.parametrize("command", ["check", "deploy"])
def test_folder_without_permission_is_named(command: str) -> None:
    if os.geteuid() != 0:
        cannot_run("needs to be root, to become another user")
    # The modules are imported as root, because nobody may be kept out of this clone.
    code = f"""
import os, sys
import uds_stack.cli, uds_stack.check.report
os.setgid({NOBODY})
os.setuid({NOBODY})
sys.exit(uds_stack.cli.main(sys.argv[1:]))
"""
    with tempfile.TemporaryDirectory() as project:  # its mode is 0700
        words = (sys.executable, "-c", code, command, "--project", project)

        done = run(*words, env={"PYTHONPATH": str(REPO)}, check=False)

    assert done.returncode == 2
    assert done.stderr == (
        f"uds-stack: no permission to read {project}: run this as a user who has it, such as the owner\n"
    )


@pytest.mark.parametrize(
    ("record", "warns"),
    [
        ('{"version": "0.9.1"}', True),
        ('{"version": "2"}', True),
        (f'{{"version": "{__version__}"}}', False),
        (f'{{"version": "{__version__.split(".", maxsplit=1)[0]}.99.0"}}', False),
        ('{"version": "2\\n3"}', False),
        ('{"version": 2}', False),
        ("[]", False),
        ("{", False),
        ("[" * 100_000, False),
        ("\x00\x00", False),
    ],
)
def test_another_major_version_is_one_line(record: str, warns: bool, project: Path) -> None:
    (project / ".uds-stack.json").write_text(record)

    fault = version_fault(project) or ""

    assert ("this project was generated by version " in fault) == warns
    assert "\n" not in fault


def test_check_warns_of_another_major_version(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".uds-stack.json").write_text('{"version": "9.1.0"}')

    main(["check", str(project)])

    assert capsys.readouterr().err == (
        f"warning: this project was generated by version 9.1.0, and this is uds-stack {__version__}: "
        "install version 9, or update the project (`cruft update`)\n"
    )


def test_missing_yaml_is_one_line(project: Path) -> None:
    done = run(sys.executable, "-S", "-m", "uds_stack", "check", project, env={"PYTHONPATH": str(REPO)}, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("uds-stack: check needs PyYAML: ")
    assert done.stderr.count("\n") == 1


def test_missing_docker_is_one_line(project: Path) -> None:
    done = run(*UDS_STACK, "deploy", "--project", project, env={"PATH": "/nowhere"}, check=False)

    assert done.returncode == 1
    assert done.stderr == "uds-stack: docker is not installed: https://docs.docker.com/engine/install/\n"


def test_engine_without_permission_names_the_remedy() -> None:
    said = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"

    fault = engine_fault(said)
    assert "sudo usermod -aG docker $USER" in str(fault)
    assert fault.details == ""  # it is one line
    assert "start it" in str(engine_fault("Cannot connect to the Docker daemon. Is the docker daemon running?"))


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (KeyError("x\ny"), "uds-stack: KeyError 'x\\ny' ("),
        (PermissionError(13, "Permission denied", "/x"), "uds-stack: Permission denied: /x; fix that, then run "),
    ],
)
def test_unexpected_error_is_one_line(
    error: Exception, line: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr("uds_stack.check.report.report", fail)

    assert failed(capsys, "check", project).startswith(line)


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_closed_stream_is_not_an_error(closed: str, project: Path) -> None:
    shell = f'"$@" {"1" if closed == "stdout" else "2"}>&-'

    done = subprocess.run(
        ["sh", "-c", shell, "sh", *UDS_STACK, "check", str(project)], capture_output=True, text=True, check=False
    )

    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr


def test_reader_that_goes_away_is_not_an_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run([*UDS_STACK, "check", "--list"], stdout=writer, stderr=subprocess.PIPE, check=False)

    os.close(writer)
    assert done.returncode == 0
    assert done.stderr == b""
